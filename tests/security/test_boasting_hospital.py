"""A hospital that declares more scans than anybody has, and returns weights of its own choice."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from server.round_updates import round_updates
from shared_model.label_sums import LabelSums
from shared_model.protocol import MOST_SCANS, SPLITS, SiteDescription, TrainResult, is_trained
from shared_model.scan_figures import FIGURES
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights
from tests.support.fake_sites import BOTH, SCORED, FakeSite, study_of
from tests.support.local_rounds import INITIAL, grid_of, run

CHOSEN = np.float32(50)


class Boasting(FakeSite):
    """Declares as many scans as can be declared, and returns CHOSEN in every weight."""

    def describe(self) -> SiteDescription:
        self.scans = {"diseased": MOST_SCANS, "covid": MOST_SCANS - 2 * SCORED}
        return super().describe()

    def train(self, weights: Weights, *, stage: int, round: int) -> TrainResult[Weights]:
        config = self.study.stages[stage]
        update = {n: np.full_like(array, CHOSEN) for n, array in weights.items() if is_trained(n, config)}
        return TrainResult(update, self.scans, {"diseased": 0.5, "covid": 0.5})


def model_of(folder: Path, study: StudyConfig) -> Weights:
    """The model after one round of four honest hospitals and one that boasts."""
    sites = {name: FakeSite(name, study) for name in "bcde"} | {"a": Boasting("a", study)}
    return run(folder, grid_of(sites), study).weights


ONE_ROUND = BOTH.model_copy(update={"rounds": 1})


def test_it_has_no_more_than_its_share_of_the_model(tmp_path: Path) -> None:
    """Its weights were the model's to within one percent."""
    found = model_of(tmp_path, study_of(ONE_ROUND))
    for name in INITIAL:
        if is_trained(name, ONE_ROUND):
            share = (found[name] - INITIAL[name]) / (CHOSEN - INITIAL[name])
            assert (share < 0.6 + 0.01).all() and (share > 0.55).all()


@pytest.mark.parametrize(
    "guard", [{"name": "trimmed-mean", "trim": 1}, {"name": "norm-bound", "factor": 1.5}]
)
def test_with_a_guard_it_moves_the_model_no_further_than_an_honest_one(
    tmp_path: Path, guard: dict[str, Any]
) -> None:
    study = StudyConfig.model_validate({**study_of(ONE_ROUND).model_dump(), "guard": guard})
    found = model_of(tmp_path, study)
    for name in INITIAL:
        assert (np.abs(found[name] - INITIAL[name]) < 0.5).all()  # an honest step is about 0.1


def test_it_cannot_keep_others_out_of_the_average(tmp_path: Path) -> None:
    """Two that declared 2^20 scans each left no room for a third."""
    study = study_of(ONE_ROUND)
    sites = [FakeSite("z", study), Boasting("a", study), Boasting("b", study)]
    result = run(tmp_path, grid_of({site.name: site for site in sites}), study)
    statuses = {name: reply.status for name, reply in result.rounds[0].train.items()}
    assert statuses == dict.fromkeys("abz", "returned")


def test_it_cannot_keep_others_out_of_a_scan_decision() -> None:
    """One that answered first with as many scans as sums can be over left no room for anybody."""
    figures = len(FIGURES["law-free"])
    network = NetworkConfig(width=0.25, init="random", scan_figures="law-free")
    stage = StageConfig(name="scans", networks=("diseased",), part="scan", rounds=1)
    study = study_of(BOTH).model_copy(update={"network": network, "stages": (stage,)})
    heads = {"coefficients": figures, "centre": figures, "intercept": 1}
    start = INITIAL | {f"diseased/scan_decision.{n}": np.zeros(k, np.float32) for n, k in heads.items()}
    updates = round_updates(stage, study, start)
    patients: dict[str, int | None] = {"covid": 2**16, "healthy": 2**16, "other": None}
    boast = SiteDescription("training", "s", "p", 1, {split: patients for split in SPLITS["training"]})
    gram = np.diag([2**20, *[2**20 * 32**2 * 2**28] * figures])
    liar = TrainResult({"covid": gram, "healthy": gram}, {"diseased": 2**17}, {})
    for _ in range(40):  # beyond 2^63 together
        updates.add(cast(TrainResult[Weights], liar), boast)
    few: dict[str, int | None] = {"covid": 30, "healthy": 30, "other": None}
    draw = np.random.default_rng(2)
    rows = {
        "covid": list(draw.normal(size=(30, figures)) + 1),
        "healthy": list(draw.normal(size=(30, figures))),
    }
    honest = TrainResult(cast(Weights, LabelSums.of(rows).to_arrays()), {"diseased": 60}, {})
    updates.add(honest, replace(boast, counts={split: few for split in SPLITS["training"]}))
    assert updates.undecided() == []
    assert np.isfinite(updates.result()["diseased/scan_decision.coefficients"]).all()
