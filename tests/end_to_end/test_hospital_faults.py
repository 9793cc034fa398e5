"""A hospital's state on a disk that is full while its trainer runs."""

import errno
import subprocess
from pathlib import Path

import pytest

from client.hospital_settings import load_hospital_settings
from client.learning.site import Site
from client.node.trainer_client import TrainerClient
from client.records.audit import AuditLog
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import TrainRequest
from shared_model.weights import from_bytes, to_bytes
from tests.support.approved_study import approve
from tests.support.hospital_folder import write_hospital_folder
from tests.support.processes import pneumofed, running, wait_until
from tests.support.small_site import WEIGHTS
from tests.support.small_study import STUDY

KILOBYTES = 64


def on_a_small_disk(folder: Path) -> list[str]:
    """The start of a command that sees a small disk at `folder`, or a skip where that is not permitted."""
    mount = f'mount -t tmpfs -o size={KILOBYTES}k none {folder} && exec "$@"'
    prefix = ["unshare", "-m", "sh", "-c", mount, "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    return prefix


def fill(disk: Path) -> Path:
    """A file that takes all that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


def test_a_full_disk_is_said_and_left_behind_once_there_is_room(tmp_path):
    site = write_hospital_folder(tmp_path)
    hospital = load_hospital_settings(site)
    proposal = Proposal.of(STUDY, WEIGHTS)
    prefix = on_a_small_disk(hospital.state)
    command = pneumofed("hospital", "trainer", "--site", site)
    with running(command, tmp_path / "log", prefix=prefix) as trainer:
        wait_until(hospital.socket.exists, seconds=60, what="the trainer")
        state = Path(f"/proc/{trainer.pid}/root{hospital.state}")  # the disk, from where it is mounted
        approve(state, proposal)
        far = TrainerClient(hospital.socket, proposal, deadline_s=120)
        second = WEIGHTS | from_bytes(far.train(to_bytes(WEIGHTS), TrainRequest(0, 1)).answer.weights)
        filler = fill(state)
        kept = AuditLog(state).entries()
        for _ in range(2):
            with pytest.raises(PneumofedError) as caught:
                far.train(to_bytes(second), TrainRequest(0, 2))
            assert caught.value.code == "disk-full"
        assert AuditLog(state).entries()[: len(kept)] == kept
        filler.unlink()
        after = far.train(to_bytes(second), TrainRequest(0, 2))
        entries = AuditLog(state).entries()
    assert entries[-1].event == "returned" and entries[: len(kept)] == kept
    assert str(tmp_path) not in (tmp_path / "log").read_text()
    near = Site(LobeStore.open(tmp_path / "store"), STUDY, role="training", device="cpu", count_floor=1)
    expected = near.train(second, stage=0, round=2)
    assert after.answer.weights == to_bytes(expected.weights)
