"""Hospitals in worker processes, without data."""

import os
import signal
from dataclasses import dataclass

import pytest

from deploy.simulation.grids import POLL_S, open_grid
from deploy.simulation.local_grid import LocalGrid, client_app
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.errors import PneumofedError
from shared_model.weights import fingerprint
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of

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
    with open_grid("local", Sites(str(seen)), list(ROLES)) as grid:
        beside = run(grid, tmp_path / "beside")
    opened = {path.name: path.read_text().split() for path in seen.iterdir()}
    assert opened.keys() == ROLES.keys() and all(len(pids) == 1 for pids in opened.values())
    workers = {pid for (pid,) in opened.values()}
    assert len(workers) == 2 and str(os.getpid()) not in workers
    alone = run(LocalGrid(client_app(Sites(str(seen))), list(ROLES)), tmp_path / "alone")
    assert fingerprint(beside.weights) == fingerprint(alone.weights)
    assert beside.best_rounds == alone.best_rounds and beside.operating_point == alone.operating_point


def test_a_worker_that_is_ended_from_outside_ends_the_run_with_a_remedy(tmp_path):
    with (
        pytest.raises(PneumofedError, match="memory") as caught,
        open_grid("local", Sites(str(tmp_path), deadly="south"), list(ROLES)) as grid,
    ):
        run(grid, tmp_path / "ledger")
    assert caught.value.code == "worker-died"
