"""A study's report, made again from the ledger in the coordinator's folder."""

from pathlib import Path
from typing import Any

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from server.app import LEDGER, STATUS
from server.ledger import read_result
from server.report.comparison import read_report
from server.report.report_files import DOCUMENT, FIGURES, PAGE, write_report
from server.status import read_status
from shared_model.errors import PneumofedError
from shared_model.proposal import as_fingerprint
from shared_model.study import load_study, study_names


def report(
    federation: Federation, study: str | None, out: Path | None, against: Path | None = None
) -> tuple[Path, dict[str, Any]]:
    """Write the report of a study into `out`, else into the study's folder; that folder, and report.json.

    study: its name, file or fingerprint, None: the only one; against: another study's report.json, or the
    folder that holds it. Raises PneumofedError `study-unknown`, `study-missing` and `study-invalid` for a
    file, `ledger-damaged`, `report-unreadable`, and `report-partial` if either study is not finished.
    """
    folder = study_folder(federation, study)
    result = read_result(folder / LEDGER)
    if result is None:
        raise PneumofedError("no-round-yet", f"{folder}: no round is complete, so there is nothing to report")
    if against is not None and result.is_partial:
        raise PneumofedError("report-partial", f"{folder}: the study is not finished; compare it when it is")
    other = None if against is None else read_report(against)
    out = folder if out is None else out
    out.mkdir(parents=True, exist_ok=True)
    return out, write_report(out, result, against=other)


def report_paths(folder: Path) -> dict[str, str]:
    """Where the report in a study's folder is, for machines."""
    return {
        "report": str(folder / PAGE),
        "report_json": str(folder / DOCUMENT),
        "figures": str(folder / FIGURES),
    }


def study_folder(federation: Federation, study: str | None) -> Path:
    """The folder of the study that people name. Raises PneumofedError as `report`."""
    coordinator = CoordinatorFolder(federation.state)
    if study is not None and study not in study_names() and Path(study).is_file():
        folder = coordinator.study(load_study(study).fingerprint)
        found = [folder] if (folder / LEDGER).is_dir() else []
    else:
        begun = sorted(path.parent for path in (coordinator.state / "studies").glob(f"*/{LEDGER}"))
        found = [path for path in begun if study is None or _is_named(path, study)]
    if len(found) != 1:
        what = "one of its studies" if study is None else f"{study!r}"
        raise PneumofedError(
            "study-unknown",
            f"{what}: there are {len(found)} such studies in this federation; name a file, or a fingerprint "
            "as `coordinator status` shows it",
        )
    return found[0]


def _is_named(folder: Path, name: str) -> bool:
    """Whether a study's folder is that of the study of this name or fingerprint."""
    status = read_status(folder / STATUS)
    result = read_result(folder / LEDGER)
    names = {folder.name}
    names |= set() if status is None else {status.study, status.fingerprint or folder.name}
    names |= set() if result is None else {result.study.name}
    return name in names or as_fingerprint(name) in names
