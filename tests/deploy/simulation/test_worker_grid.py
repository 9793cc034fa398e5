"""Hospitals in worker processes, without data."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.simulation.grids import POLL_S, open_grid
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.errors import PneumofedError
from shared_model.weights import fingerprint
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of
from tests.support.processes import running, wait_until

STUDY, INITIAL = study_of(BOTH, operating_point="validation"), weights_of(0)
ROLES = {"north": "training", "south": "training", "east": "training", "far": "held-out"}


@dataclass(frozen=True)
class Sites:
    """Hospitals that say in a folder which process they are in; `deadly` ends its own when it trains."""

    folder: str
    deadly: str = ""

    def __call__(self, hospital: str) -> FakeSite:
        with open(f"{self.folder}/{hospital}", "a") as file:
            file.write(f"{os.getpid()}\n")
        if hospital == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return FakeSite(hospital, STUDY, role=ROLES[hospital])


def run(grid, folder):
    policy = RoundPolicy(poll_s=POLL_S, quorum=3)
    return run_study(grid, STUDY, INITIAL, ledger=Ledger(folder, STUDY, INITIAL), policy=policy)


def test_workers_give_the_bits_of_one_process_and_keep_their_hospitals(tmp_path, monkeypatch):
    monkeypatch.setattr("deploy.simulation.grids.cores", lambda: 2)
    seen = tmp_path / "seen"
    seen.mkdir()
    with open_grid("workers", Sites(str(seen)), list(ROLES)) as grid:
        beside = run(grid, tmp_path / "beside")
    opened = {path.name: path.read_text().split() for path in seen.iterdir()}
    assert opened.keys() == ROLES.keys() and all(len(pids) == 1 for pids in opened.values())
    workers = {pid for (pid,) in opened.values()}
    assert len(workers) == 2 and str(os.getpid()) not in workers
    with open_grid("local", Sites(str(seen)), list(ROLES)) as grid:
        alone = run(grid, tmp_path / "alone")
    assert all(path.read_text().split()[1:] == [str(os.getpid())] for path in seen.iterdir())
    assert fingerprint(beside.weights) == fingerprint(alone.weights)
    assert beside.best_rounds == alone.best_rounds and beside.operating_point == alone.operating_point


def test_a_worker_that_is_ended_from_outside_ends_the_run_with_a_remedy(tmp_path):
    with (
        pytest.raises(PneumofedError, match="memory") as caught,
        open_grid("workers", Sites(str(tmp_path), deadly="south"), list(ROLES)) as grid,
    ):
        run(grid, tmp_path / "ledger")
    assert caught.value.code == "worker-died"


def test_workers_end_with_a_process_that_is_killed(tmp_path):
    """Otherwise they would go on writing where the resumed run writes."""
    command = [sys.executable, "-m", "tests.support.held_worker", str(tmp_path)]
    with running(command, tmp_path / "log") as holder:
        wait_until((tmp_path / "worker").exists, seconds=120, what="a worker at work")
        worker = int((tmp_path / "worker").read_text())
        assert worker != holder.pid and Path(f"/proc/{worker}").exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        wait_until(lambda: has_ended(worker), seconds=20, what="the worker's end")


def has_ended(process: int) -> bool:
    """Whether it is gone, or dead and not yet collected."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
