"""What is admitted to a round's updates, and what is undecided without it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from server.round_updates import round_updates
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError
from shared_model.label_sums import MOST_SCANS, LabelSums, scaled
from shared_model.protocol import MOST_SCANS_A_PATIENT, SiteDescription, TrainResult
from shared_model.scan_figures import FIGURES
from shared_model.strategy import NormBoundConfig, TrimmedMeanConfig
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of

COUNT = len(FIGURES["law-free"])
SCAN = StageConfig(name="scans", networks=TASKS, part="scan", rounds=1)
NETWORK = NetworkConfig(width=0.25, init="random", scan_figures="law-free")
STUDY = study_of(BOTH).model_copy(update={"network": NETWORK, "stages": (SCAN,)})
HEADS = {
    f"{task}/scan_decision.{name}": np.zeros(shape, np.float32)
    for task in TASKS
    for name, shape in (("coefficients", COUNT), ("centre", COUNT), ("intercept", 1))
}
START = weights_of(0) | HEADS
SITE = FakeSite("a", STUDY, scans={"diseased": 30, "covid": 20}).describe()  # 20 covid, 10 healthy, 0 other


def sums(**counts: int) -> Weights:
    draw = np.random.default_rng(3)
    figures = {label: list(draw.normal(size=(n, COUNT))) for label, n in counts.items()}
    return cast(Weights, LabelSums.of(figures).to_arrays())


def result(arrays: Weights, **loss: float) -> TrainResult[Weights]:
    return TrainResult(arrays, {"diseased": 30, "covid": 20}, loss)


def test_averages_are_undecided_until_every_network_has_a_say() -> None:
    updates = round_updates(BOTH, study_of(BOTH), weights_of(0))
    assert updates.undecided() == ["covid", "diseased"]
    site = FakeSite("b", study_of(BOTH), scans={"diseased": 9, "covid": 0})
    updates.add(site.train(weights_of(0), stage=0, round=1), site.describe())
    assert updates.undecided() == ["covid"]


def test_sums_decide_the_tasks_of_which_both_classes_were_sent() -> None:
    updates = round_updates(SCAN, STUDY, START)
    updates.add(result(sums(covid=20, healthy=10)), SITE)
    assert updates.undecided() == ["covid"]
    weights = updates.result()
    assert weights["diseased/scan_decision.coefficients"].any()
    assert not weights["covid/scan_decision.coefficients"].any()
    assert all((weights[name] == array).all() for name, array in weights_of(0).items())


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        (lambda: sums(covid=19), "sums-implausible"),
        (lambda: sums(covid=20 * MOST_SCANS_A_PATIENT + 1), "sums-implausible"),
        (lambda: sums(other=12), "sums-implausible"),
        (lambda: {"covid": np.ones((3, 3), np.int64)}, "sums-implausible"),
        (lambda: weights_of(1), "sums-implausible"),
    ],
)
def test_sums_that_cannot_be_cost_the_hospital_the_round(arrays: Callable[[], Weights], code: str) -> None:
    updates = round_updates(SCAN, STUDY, START)
    with pytest.raises(PneumofedError) as refused:
        updates.add(result(arrays()), SITE)
    assert refused.value.code == code
    assert updates.undecided() == ["covid", "diseased"]


def test_figures_that_do_not_differ_decide_nothing() -> None:
    updates = round_updates(SCAN, STUDY, START)
    alike = {label: [np.full(COUNT, -2.5)] * count for label, count in (("covid", 20), ("healthy", 10))}
    updates.add(result(cast(Weights, LabelSums.of(alike).to_arrays())), SITE)
    assert updates.undecided() == ["covid", "diseased"]


def test_a_loss_does_not_belong_to_sums() -> None:
    with pytest.raises(PneumofedError) as refused:
        round_updates(SCAN, STUDY, START).add(result(sums(covid=20), diseased=0.5), SITE)
    assert refused.value.code == "loss-implausible"


def test_one_hospital_s_scans_are_no_more_than_its_share_of_a_class() -> None:
    """A class of made-up scans moves its mean no further than 60 %, however many are declared."""
    draw = np.random.default_rng(8)
    honest = {label: list(draw.normal(size=(20, COUNT))) for label in ("covid", "healthy")}
    arrays = cast(Weights, LabelSums.of(honest).to_arrays())
    liar = cast(Weights, LabelSums.of({"covid": [np.full(COUNT, 9.0)] * 5000}).to_arrays())
    counts: dict[str, dict[str, int | None]] = {"train": {"covid": 5000, "healthy": None, "other": None}}
    boasting = replace(SITE, counts=SITE.counts | counts)
    honest_site = FakeSite("a", STUDY, scans={"diseased": 40, "covid": 20}).describe()
    updates = round_updates(SCAN, STUDY, START)
    updates.add(TrainResult(arrays, {"diseased": 40, "covid": 20}, {}), honest_site)
    updates.add(TrainResult(liar, {"diseased": 5000, "covid": 5000}, {}), boasting)
    centre = updates.result()["diseased/scan_decision.centre"]
    of_class = {label: np.mean(rows, axis=0) for label, rows in honest.items()}
    mixed = 0.4 * of_class["covid"] + 0.6 * np.full(COUNT, 9.0)
    np.testing.assert_allclose(centre, (mixed + of_class["healthy"]) / 2, atol=1e-3)


def test_sums_of_many_hospitals_are_exact_beyond_int64() -> None:
    """Sixty hospitals with the most scans and the largest figures decide as one of them does alone."""
    draw = np.random.default_rng(4)
    large = {
        label: list(at + draw.normal(size=(20, COUNT))) for label, at in (("covid", 28), ("healthy", -28))
    }
    arrays = {label: scaled(gram, MOST_SCANS) for label, gram in LabelSums.of(large).sums.items()}
    patients = MOST_SCANS // MOST_SCANS_A_PATIENT
    counts: dict[str, dict[str, int | None]] = {
        "train": {"covid": patients, "healthy": patients, "other": None}
    }
    site = replace(SITE, counts=SITE.counts | counts)
    found = []
    for hospitals in (1, 60):
        updates = round_updates(SCAN, STUDY, START)
        for _ in range(hospitals):
            says = {"diseased": 2 * patients, "covid": patients}
            updates.add(TrainResult(cast(Weights, arrays), says, {}), site)
        found.append(updates.result()["diseased/scan_decision.coefficients"])
    assert found[0].any()
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3)


def trained(count: int, study: StudyConfig) -> list[tuple[TrainResult[Weights], SiteDescription]]:
    """Of hospitals of which the first has more scans than its share."""
    scans = [{"diseased": 900 if i == 0 else 30, "covid": 20} for i in range(count)]
    sites = [FakeSite(f"h{i}", study, scans=of_site) for i, of_site in enumerate(scans)]
    return [(site.train(weights_of(0), stage=0, round=1), site.describe()) for site in sites]


def combined(study: StudyConfig, count: int) -> Weights:
    updates = round_updates(BOTH, study, weights_of(0))
    for update, description in trained(count, study):
        updates.add(update, description)
    assert updates.undecided() == []
    return updates.result()


def test_a_guarded_study_combines_by_its_guard() -> None:
    trimmed = TrimmedMeanConfig(name="trimmed-mean", trim=1)
    found = combined(study_of(BOTH, guard=trimmed), 3)
    sent = [update.weights for update, _ in trained(3, study_of(BOTH))]
    for name in sent[0]:
        np.testing.assert_allclose(found[name], np.median([u[name] for u in sent], axis=0), rtol=1e-6)
    with pytest.raises(PneumofedError, match="needs 3 hospitals"):
        combined(study_of(BOTH, guard=trimmed), 2)
    bound = NormBoundConfig(name="norm-bound", factor=100)
    plain = combined(study_of(BOTH), 3)
    assert all((combined(study_of(BOTH, guard=bound), 3)[name] == plain[name]).all() for name in plain)
    with pytest.raises(PneumofedError, match="needs 3 hospitals"):
        combined(study_of(BOTH, guard=bound), 2)


def test_a_guarded_study_refuses_the_same_updates() -> None:
    study = study_of(BOTH, guard=TrimmedMeanConfig(name="trimmed-mean", trim=1))
    updates = round_updates(BOTH, study, weights_of(0))
    ((update, description),) = trained(1, study)
    with pytest.raises(PneumofedError) as refused:
        updates.add(replace(update, weights=update.weights | {"x": np.zeros(1, np.float32)}), description)
    assert refused.value.code == "update-arrays" and updates.undecided() == ["covid", "diseased"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"scans": {"diseased": 10**6, "covid": 20}}, "scans-implausible"),
        ({"loss": {"diseased": 1e9}}, "loss-implausible"),
    ],
)
@pytest.mark.parametrize("guard", [None, NormBoundConfig(name="norm-bound", factor=100)])
def test_what_comes_with_an_update_is_admitted_too(
    changed: dict[str, Any], code: str, guard: NormBoundConfig | None
) -> None:
    study = study_of(BOTH, guard=guard)
    updates = round_updates(BOTH, study, weights_of(0))
    ((update, description),) = trained(1, study)
    with pytest.raises(PneumofedError) as refused:
        updates.add(replace(update, **changed), description)
    assert refused.value.code == code and updates.undecided() == ["covid", "diseased"]
