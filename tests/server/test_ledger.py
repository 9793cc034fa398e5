from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from server.ledger import Ledger
from server.model_selection import Best, Score
from server.study_result import HospitalOutcome, RoundRecord
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.weights import Weights, fingerprint, only
from tests.support.fake_sites import BOTH, study_of, weights_of

STUDY, INITIAL = study_of(BOTH), weights_of(0)


def record_of(round: int, weights: Weights, best: dict[Task, int], stage: int = 0) -> RoundRecord:
    histogram = ScoreHistogram.of(np.array([0.5, -3.0]))
    return RoundRecord(
        stage=stage,
        round=round,
        train={"a": HospitalOutcome(status="returned", scans={"diseased": 3}, loss={"diseased": 0.1})},
        validation=SiteEvaluation({"diseased": {"covid": histogram}, "covid": {}}),
        accuracy={"diseased": 0.5, "covid": None},
        within_auc={"diseased": None, "covid": None},
        best=best,
        weights_sha256=fingerprint(weights),
        seconds=1.5,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three rounds; the diseased network was best in round 1, the other in round 3."""
    ledger = Ledger(tmp_path, STUDY, INITIAL)
    best_rounds: list[dict[Task, int]] = [{"diseased": 1, "covid": best} for best in (1, 2, 3)]
    for round, best in enumerate(best_rounds):
        weights = weights_of(round + 1)
        state = {"momentum/a": np.array([round + 0.5])}
        record = record_of(round + 1, weights, best).model_copy(update={"state_sha256": fingerprint(state)})
        ledger.write(record, weights, state)
    return tmp_path


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    ledger = Ledger(folder, STUDY, INITIAL)
    assert ledger.rounds_done(0) == 3 and ledger.rounds_done(1) == 0
    assert fingerprint(ledger.weights_after(0)) == fingerprint(weights_of(3))
    assert list(ledger.weights_after(0)) == list(INITIAL)
    best = ledger.best_of(0)
    assert {n: b.round for n, b in best.items()} == {"diseased": 1, "covid": 3}
    expected = Best(1, Score(0.5, None), only(weights_of(1), "diseased"))
    assert (best["diseased"].score, best["diseased"].round) == (expected.score, expected.round)
    assert fingerprint(best["diseased"].weights) == fingerprint(expected.weights)
    evaluation, expected_one = ledger.records[2].validation, record_of(3, INITIAL, {}).validation
    assert evaluation is not None and expected_one is not None
    assert evaluation.to_json() == expected_one.to_json()


def test_the_strategys_last_state_stays(folder: Path) -> None:
    assert Ledger(folder, STUDY, INITIAL).state_after(0)["momentum/a"].tolist() == [2.5]
    assert [path.name for path in folder.glob("*.state")] == ["00-0003.state"]
    whole = (folder / "00-0003.state").read_bytes()
    for damaged in (b"half", whole[:-1] + b"x"):
        (folder / "00-0003.state").write_bytes(damaged)
        assert refusal(lambda: Ledger(folder, STUDY, INITIAL).state_after(0)) == "ledger-damaged"
    (folder / "00-0003.state").unlink()
    assert refusal(lambda: Ledger(folder, STUDY, INITIAL).state_after(0)) == "ledger-damaged"


def test_another_strategy_does_not_go_on_with_these_rounds(folder: Path) -> None:
    assert refusal(lambda: Ledger(folder, STUDY, INITIAL, "mine:step")) == "ledger-of-another-study"


def test_only_needed_weights_stay(folder: Path) -> None:
    assert sorted(p.name for p in folder.glob("*.safetensors")) == [
        "00-0001.safetensors",
        "00-0003.safetensors",
    ]
    assert len(list(folder.glob("00-*.json"))) == 3


def test_a_round_without_its_record_does_not_count(folder: Path) -> None:
    """As a crash between weights and record leaves it."""
    (folder / "00-0003.json").unlink()
    assert Ledger(folder, STUDY, INITIAL).rounds_done(0) == 2


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(PneumofedError) as error:
        action()
    return error.value.code


def test_another_study_or_other_initial_weights_are_refused(folder: Path) -> None:
    assert refusal(lambda: Ledger(folder, study_of(BOTH, seed=1), INITIAL)) == "ledger-of-another-study"
    assert refusal(lambda: Ledger(folder, STUDY, weights_of(5))) == "ledger-of-another-study"


def test_damage_is_found(folder: Path) -> None:
    path = folder / "00-0003.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\x00\x00\x00\x01")
    assert refusal(lambda: Ledger(folder, STUDY, INITIAL).weights_after(0)) == "ledger-damaged"
    path.write_bytes(b"{")
    assert refusal(lambda: Ledger(folder, STUDY, INITIAL).weights_after(0)) == "ledger-damaged"
    (folder / "00-0002.json").write_text("{}")
    assert refusal(lambda: Ledger(folder, STUDY, INITIAL)) == "ledger-damaged"
    (folder / "00-0002.json").unlink()
    assert refusal(lambda: Ledger(folder, STUDY, INITIAL)) == "ledger-damaged"
