"""A node that was taken over, in a hospital whose `join` runs node and trainer as two users."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from client.hospital_settings import load_hospital_settings
from tests.support.deployed_study import DEPLOYED, study_file
from tests.support.deployment import Deployment
from tests.support.other_users import reachable_by_all, run_as
from tests.support.processes import pneumofed

pytestmark = DEPLOYED

NODE, TRAINER = 1_200_001, 1_200_002
HOSPITAL = "north"


class TwoUsers(Deployment):
    """With a hospital whose files belong to two users, as docs/hospital.md says."""

    def unpack(self, name: str) -> None:
        super().unpack(name)
        site = self.site(name)
        site.write_text(site.read_text() + f"[users]\nnode = {NODE}\ntrainer = {TRAINER}\n")
        for key in ("hospital.key", "client.key"):
            os.chown(site.parent / key, NODE, NODE)

    def stock(self, name: str) -> None:
        super().stock(name)
        store = self.folder / name / "store"
        subprocess.run(["chown", "-R", f"{TRAINER}:{TRAINER}", store], check=True)
        store.chmod(0o700)

    def prefix(self, name: str) -> list[str]:
        return reachable_by_all()

    def command(self, *arguments: object, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """A hospital's commands as its trainer's user."""
        if arguments[0] != "hospital":
            return super().command(*arguments, timeout=timeout)
        return run_as(TRAINER, TRAINER, pneumofed(*arguments), reachable_by_all())


@pytest.fixture
def federation():
    """In a folder that every user may enter, as none of pytest's is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        with TwoUsers.started(folder, {HOSPITAL: "training"}, quorum=1) as deployment:
            yield deployment
    finally:
        shutil.rmtree(folder)


def identity(pid: int) -> dict[str, list[int]]:
    """User, group and further groups of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: sorted({int(word) for word in fields[name].split()}) for name in ("Uid", "Gid", "Groups")}


def test_the_node_takes_part_in_a_study_and_cannot_open_store_state_or_the_pages_socket(federation):
    site = federation.site(HOSPITAL)
    hospital = load_hospital_settings(site)
    node, trainer = (identity(federation.process(HOSPITAL, name)) for name in ("node", "trainer"))
    assert node == {"Uid": [NODE], "Gid": [NODE], "Groups": []}
    assert trainer == {"Uid": [TRAINER], "Gid": [TRAINER], "Groups": []}
    study = study_file(federation.folder, "two-users", rounds=1)
    federation.propose(study)
    federation.approve(HOSPITAL)
    assert federation.weights(federation.run(study))
    secret, log = hospital.store / "secret.key", hospital.state / "audit.jsonl"
    assert secret.is_file() and log.is_file() and hospital.control.is_socket()
    closed = (secret, log, hospital.store, hospital.state / "studies", hospital.control)
    for path in (*closed, hospital.control.parent):
        for command in (["cat", path], ["ls", path], ["touch", path]):
            done = run_as(NODE, NODE, [str(word) for word in command], reachable_by_all())
            assert done.returncode != 0 and "Permission denied" in done.stderr
    assert (
        run_as(TRAINER, TRAINER, ["cat", str(hospital.coordinator.key)], reachable_by_all()).returncode != 0
    )
