"""Taking back a hospital's quarantine, or a notice of its audit log, once people have looked into it."""

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from server.app import LEDGER, LOCK, STATUS
from server.standing import Standings
from server.status import take_back_notices
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive


def acknowledge(federation: Federation, hospital: str) -> list[str]:
    """Take back the notices of a hospital in every study of the federation; their codes.

    Raises PneumofedError `nothing-to-acknowledge` if there is none, `study-running` while one of these
    studies runs: it holds the notices.
    """
    studies = sorted((CoordinatorFolder(federation.state).state / "studies").glob(f"*/{LEDGER}"))
    noted = [path.parent for path in studies if Standings(path).of(hospital).notices]
    if not noted:
        raise PneumofedError(
            "nothing-to-acknowledge",
            f"no study has a notice of {hospital!r}; see `pneumofed coordinator status`",
        )
    codes: list[str] = []
    for folder in noted:
        running = PneumofedError("study-running", f"{folder.name} is being run; wait for it or stop it")
        with exclusive(folder / LOCK, refusal=running):
            codes += Standings(folder / LEDGER).acknowledge(hospital).notices
            take_back_notices(folder / STATUS, hospital)
    return sorted(set(codes))
