"""The ServerApp as Flower calls it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Context, RecordDict

from deploy.simulation.local_grid import RUN_ID, LocalGrid
from server import app as server_app
from server import events
from server.dispatch import RoundPolicy
from server.status import StatusFile, StudyStatus, read_status
from server.stop_flag import StopFlag
from shared_model.errors import PneumofedError
from shared_model.saved_model import load_model
from shared_model.weights import fingerprint
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of
from tests.support.local_rounds import app_of

STUDY = study_of(BOTH)


def context(**run_config: Any) -> Context:
    settings = {name.replace("_", "-"): value for name, value in run_config.items()}
    return Context(run_id=RUN_ID, node_id=1, node_config={}, state=RecordDict(), run_config=settings)


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> LocalGrid:
    monkeypatch.setattr(server_app, "load_study", lambda name: STUDY)
    monkeypatch.setattr(server_app, "load_or_create_initial_weights", lambda path, study: weights_of(0))
    sites = {name: FakeSite(name, STUDY) for name in ("a", "b")}
    return LocalGrid(app_of(sites), list(sites))


def test_a_run_writes_the_model_and_a_second_run_takes_it_from_the_ledger(
    grid: LocalGrid, tmp_path: Path
) -> None:
    settings = {
        "study": "test", "folder": str(tmp_path), "trained_on": "Phantoms.", "quorum": 2,
    }  # fmt: skip
    server_app.app(grid, context(**settings))
    weights, card = load_model(tmp_path / "model")
    assert card.trained_on == "Phantoms." and card.study == STUDY
    assert len(list((tmp_path / "ledger").glob("00-*.json"))) == 3
    server_app.app(grid, context(**settings))
    assert fingerprint(load_model(tmp_path / "model")[0]) == fingerprint(weights)


def test_a_researchers_own_strategy_is_run(
    grid: LocalGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_step.py").write_text("def step(weights, mean, state):\n    return weights, state\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = {"study": "test", "folder": str(tmp_path), "trained_on": "Phantoms.", "quorum": 2}
    server_app.app(grid, context(**settings, strategy="own_step:step"))
    assert fingerprint(load_model(tmp_path / "model")[0]) == fingerprint(weights_of(0))


def run(grid: LocalGrid, folder: Path, **settings: Any) -> StudyStatus:
    needed = {"study": "test", "folder": str(folder), "trained_on": "Phantoms.", "quorum": 2}
    server_app.app(grid, context(**needed | settings))
    status = read_status(folder / "status.json")
    assert status is not None
    return status


def test_a_proposal_shows_the_study_and_runs_nothing(grid: LocalGrid, tmp_path: Path) -> None:
    status = run(grid, tmp_path, training="a b", held_out="c", propose=1)
    assert (status.state, status.rounds_done, status.rounds_total) == ("proposed", 0, 3)
    assert {name: one.reason for name, one in status.awaited.items()} == {"c": "not-connected"}
    assert not (tmp_path / "model").exists() and not list((tmp_path / "ledger").glob("00-*"))
    assert run(grid, tmp_path, training="a b").state == "completed"


def test_a_study_that_is_stopped_ends_after_its_round_and_goes_on(
    grid: LocalGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_in_round_2(self: StatusFile, event: events.Event) -> None:
        match event:
            case events.RoundStarted(round=2):
                StopFlag(tmp_path / "stop").raise_flag()
        record(self, event)

    record = StatusFile.on_event
    with monkeypatch.context() as patch:
        patch.setattr(StatusFile, "on_event", stop_in_round_2)
        stopped = run(grid, tmp_path, training="a b")
    assert (stopped.state, stopped.rounds_done) == ("stopped", 2)
    assert not (tmp_path / "model").exists()
    assert run(grid, tmp_path, training="a b").state == "completed"
    whole = tmp_path / "whole"
    run(grid, whole, training="a b")
    assert fingerprint(load_model(tmp_path / "model")[0]) == fingerprint(load_model(whole / "model")[0])


def test_a_repeat_of_a_finished_study_says_all_that_its_status_said(grid: LocalGrid, tmp_path: Path) -> None:
    first = run(grid, tmp_path, training="a b")
    again = run(grid, tmp_path, training="a b")
    assert (again.state, again.rounds_done, again.rounds_total) == ("completed", 3, 3)
    assert again.hospitals == first.hospitals and again.hospitals.keys() == {"a", "b"}
    assert (again.fingerprint, again.loss) == (first.fingerprint, first.loss) and again.loss
    (tmp_path / "status.json").unlink()
    lost = run(grid, tmp_path, training="a b")
    assert (lost.fingerprint, lost.rounds_done, lost.loss) == (first.fingerprint, 3, first.loss)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"trained_on": "Other phantoms."}, "study-finished"),
        ({"trained_on": "Other phantoms.", "propose": 1}, "study-finished"),
        ({"strategy": "own_step:step"}, "ledger-of-another-study"),
    ],
)
def test_a_refused_repeat_leaves_the_status_as_it_is(
    grid: LocalGrid, tmp_path: Path, changed: dict[str, Any], code: str
) -> None:
    run(grid, tmp_path, training="a b")
    before = (tmp_path / "status.json").read_bytes()
    with pytest.raises(PneumofedError) as refused:
        run(grid, tmp_path, training="a b", **changed)
    assert refused.value.code == code
    assert (tmp_path / "status.json").read_bytes() == before


def test_a_missing_setting_is_named(grid: LocalGrid) -> None:
    with pytest.raises(PneumofedError) as error:
        server_app.app(grid, context(study="test"))
    assert error.value.code == "run-config" and "folder" in str(error.value)


def test_a_hospital_behind_a_slow_line_is_not_asked_again_while_weights_travel(
    grid: LocalGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies: list[RoundPolicy] = []

    def ended(*_: object, policy: RoundPolicy, **__: object) -> None:
        policies.append(policy)
        raise PneumofedError("enough", "for this test")

    full = {"diseased/a": np.zeros(1_500_000, np.float32), "covid/a": np.zeros(1_500_000, np.float32)}
    monkeypatch.setattr(server_app, "load_or_create_initial_weights", lambda path, study: full)
    monkeypatch.setattr(server_app, "run_study", ended)
    with pytest.raises(PneumofedError, match="for this test"):
        server_app.app(grid, context(study="test", folder=str(tmp_path), trained_on="Phantoms."))
    # 12 MB are 96 Mbit: 96 s each way at 1 Mbit/s, and a minute
    assert policies[0].retry_after_s == 96 + 96 + 60
