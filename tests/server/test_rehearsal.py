"""What a round will cost, counted by hand; and a rehearsal leaves no weights."""

from pathlib import Path
from typing import Any

import pytest

from server.ledger import Ledger, read_result
from server.rehearsal import COSTS, costs_in_words, end_rehearsal, study_costs
from server.study_result import Hospital, HospitalOutcome, RoundRecord, StudyResult
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import TrainingCost
from shared_model.rehearsal import rehearsal_of
from shared_model.saved_model import OperatingPoint
from shared_model.study_stage import StageConfig
from tests.support.fake_sites import SHAPES, FakeSite, study_of, weights_of
from tests.support.local_rounds import INITIAL, grid_of, run

LOBES = StageConfig(name="lobes", networks=("diseased", "covid"), rounds=20, validate_every=5)
FINE = StageConfig(
    name="fine", networks=("diseased",), part="fine", rounds=3, validate_every=0, epochs=2, scans_per_batch=15
)
STUDY = study_of(LOBES, FINE)
BYTES = 4 * (6 + 4 + 2 + 4 + 6 + 4)  # of all arrays of SHAPES


def returned(seconds: float, cost: TrainingCost | None = None) -> HospitalOutcome:
    return HospitalOutcome(status="returned", seconds=seconds, cost=cost)


def result_of(north: HospitalOutcome, fine: HospitalOutcome) -> StudyResult:
    """north trains on 60 and 36 patients; far is held out."""
    full: dict[str, int | None] = {"healthy": 24, "covid": 18, "other": 18}
    hospitals = (
        Hospital("north", "training", full, 10, (), {"diseased": 60, "covid": 36}),
        Hospital("far", "held-out", {**full, "covid": None}, 10),
    )
    common: dict[str, Any] = {"round": 1, "weights_sha256": "", "seconds": 1.0}
    rounds = (
        RoundRecord(stage=0, train={"north": north}, validate_replies={"north": returned(3.0)}, **common),
        RoundRecord(stage=1, train={"north": fine}, **common),
    )
    return StudyResult(
        study=rehearsal_of(STUDY), hospitals=hospitals, rounds=rounds, best_rounds={}, evaluations={},
        validation=SiteEvaluation.empty(), operating_point=OperatingPoint(), left_out={},
        final_replies={"north": returned(2.0), "far": returned(11.0)}, weights_sha256="", ended=1.0,
    )  # fmt: skip


COST = TrainingCost(step_ms=500, memory_mb=1536, gpu_mb=0)


def test_the_time_of_a_round_is_that_of_its_steps_and_of_what_is_besides() -> None:
    # The floor is 10. lobes: 30 / 6 + 20 / 6 batches in 7 s, 2.5 besides; a round has 60 / 6 + 36 / 6 = 16.
    # fine: 2 batches of 15 in 4 s, 3 besides; a round has 2 passes of 60 / 15 = 4 batches.
    document = study_costs(STUDY, result_of(returned(7.0, COST), returned(4.0, COST)), weights_of(0))
    north, far = document["hospitals"]
    lobes, fine = north["stages"]
    assert (lobes["steps"], lobes["training_s"], lobes["validation_s"]) == (16, 10.5, 3.0)
    assert (fine["steps"], fine["training_s"], fine["validation_s"]) == (8, 7.0, None)
    assert north["study_s"] == 20 * 10.5 + 4 * 3 + 3 * 7 + 2
    assert (lobes["bytes_down"], fine["bytes_down"]) == (2 * BYTES, BYTES)
    trained = 4 * (6 + 4 + 2 + 6 + 4)  # all but the fine infection decider
    assert (lobes["bytes_up"], fine["bytes_up"]) == (trained, 4 * 4)
    assert north["study_bytes"] == 20 * (BYTES + trained) + 4 * BYTES + 3 * (BYTES + 16) + BYTES
    assert north["memory_mb"] == 1536 and north["tells_all"]
    assert far["stages"] == [] and far["study_s"] == 11.0 and far["study_bytes"] == BYTES
    assert far["memory_mb"] is None and not far["tells_all"]
    assert sum(4 * int.__mul__(*(*shape, 1)[:2]) for shape in SHAPES.values()) == BYTES


def test_what_did_not_come_back_is_undefined() -> None:
    failed = HospitalOutcome(status="failed", reason="out-of-memory", seconds=9.0)
    document = study_costs(STUDY, result_of(returned(7.0), failed), weights_of(0))
    lobes, fine = document["hospitals"][0]["stages"]
    assert lobes["training_s"] == 7.0 and lobes["memory_mb"] is None  # an older hospital tells no cost
    assert fine["training_s"] is None and fine["problem"] == "out-of-memory"
    assert document["hospitals"][0]["study_s"] is None
    lines = "\n".join(costs_in_words(document))
    assert "fine: undefined, no update came back (out-of-memory)" in lines
    assert "the whole study: undefined" in lines and "memory undefined" in lines


@pytest.mark.parametrize(("patients", "steps"), [(3, 1), (14, 2), (200, 2), (5000, 2)])
def test_a_rehearsed_round_has_few_steps_at_any_hospital(patients: int, steps: int) -> None:
    assert rehearsal_of(STUDY).stages[0].batches(patients, least=10) == steps


def test_no_weights_are_kept_and_the_result_stays(tmp_path: Path) -> None:
    study = study_of(StageConfig(name="lobes", networks=("diseased", "covid"), rounds=3))
    rehearsal = rehearsal_of(study)
    sites = {name: FakeSite(name, rehearsal) for name in ("a", "b")}
    run(tmp_path / "ledger", grid_of(sites), rehearsal)
    kept = tmp_path / "initial.safetensors"
    kept.write_bytes(b"weights")
    ledger = Ledger(tmp_path / "ledger", rehearsal, INITIAL)
    end_rehearsal(tmp_path, ledger, study, INITIAL, kept)
    assert not list(tmp_path.rglob("*.safetensors")) and (tmp_path / COSTS).is_file()
    found = read_result(tmp_path / "ledger")
    assert found is not None and found.is_whole and len(found.rounds) == 1
