from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from server.admission import (
    admit_description,
    admit_evaluation,
    admit_losses,
    admit_scans,
    admit_weights,
)
from shared_model.constants import TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import Histograms, SiteEvaluation
from shared_model.protocol import EvaluateRequest
from shared_model.study import PrivacyConfig
from shared_model.study_stage import StageConfig
from shared_model.subgroups import Division
from shared_model.weights import Weights
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of

STUDY = study_of(BOTH)
FINE = StageConfig(name="fine", networks=("diseased",), part="fine", rounds=1)
SITE = FakeSite("a", STUDY, scans={"diseased": 30, "covid": 20}).describe()
SCANS = {"diseased": 30, "covid": 20}


def update(stage: StageConfig = BOTH, networks: Collection[str] = ("diseased", "covid")) -> Weights:
    fine = stage.part == "fine"
    return {
        name: array
        for name, array in weights_of(1).items()
        if name.split("/")[0] in networks and ("fine_infection" in name) == fine
    }


def refusal(check: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(PneumofedError) as error:
        check(*arguments)
    assert "\n" not in str(error.value)
    return error.value.code


def with_value(value: float, name: str = "covid/lobe.weight") -> Weights:
    changed = update()
    changed[name] = changed[name].copy()
    changed[name].flat[0] = value
    return changed


def test_a_right_update_is_admitted() -> None:
    admit_scans(SCANS, BOTH, SITE)
    admit_losses({"diseased": 0.7, "covid": 0.2}, SCANS, STUDY)
    admit_weights(update(), SCANS, BOTH, weights_of(0))
    admit_weights(update(FINE, ("diseased",)), {"diseased": 3}, FINE, weights_of(0))
    admit_weights(update(networks=("diseased",)), {"diseased": 3, "covid": 0}, BOTH, weights_of(0))


def test_a_hospital_of_one_class_sends_its_patches_alone() -> None:
    two_class = BOTH.model_copy(update={"say": "two-class"})
    patches = {n: a for n, a in update(networks=("diseased",)).items() if "patch" in n}
    assert patches and patches.keys() != update(networks=("diseased",)).keys()
    scans = {"diseased": 3, "covid": 0}
    admit_weights(patches, scans, two_class, weights_of(0))
    admit_weights(patches | update(networks=("covid",)), SCANS, two_class, weights_of(0))
    assert refusal(admit_weights, patches, scans, BOTH, weights_of(0)) == "update-arrays"
    covid = next(iter(update(networks=("covid",)).items()))
    assert refusal(admit_weights, dict([covid]), SCANS, two_class, weights_of(0)) == "update-arrays"


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("update-arrays", {**update(), "diseased/extra": np.zeros(3, np.float32)}),
        ("update-arrays", {n: a for n, a in update().items() if n != "covid/lobe.weight"}),
        ("update-arrays", update(networks=("diseased",))),
        ("update-arrays", {**update(), **update(FINE, ("diseased",))}),
        ("update-shape", {**update(), "covid/lobe.weight": np.zeros((2, 3), np.float32)}),
        ("update-dtype", {**update(), "covid/lobe.weight": np.zeros((3, 2), np.float64)}),
        ("update-dtype", {**update(), "covid/lobe.weight": np.full((3, 2), "x")}),
        ("update-not-finite", with_value(np.nan)),
        ("update-not-finite", with_value(-np.inf)),
        ("update-too-large", with_value(1e6)),
    ],
)
def test_a_wrong_update_is_refused(code: str, changed: Weights) -> None:
    assert refusal(admit_weights, changed, SCANS, BOTH, weights_of(0)) == code


@pytest.mark.parametrize(
    "scans",
    [
        {"diseased": 31, "covid": 20},
        {"diseased": 10**12, "covid": 0},
        {"diseased": -1, "covid": 0},
        {"diseased": 3, "covid": 3, "other": 1},
    ],
)
def test_implausible_scan_counts_are_refused(scans: dict[str, int]) -> None:
    assert refusal(admit_scans, scans, BOTH, SITE) == "scans-implausible"


def test_patients_not_told_of_have_no_say() -> None:
    counts = {**SITE.counts, "train": {"healthy": 12, "covid": None, "other": None}}
    few = replace(SITE, counts=counts, count_floor=10)
    admit_scans({"diseased": 12, "covid": 0}, BOTH, few)
    assert refusal(admit_scans, {"diseased": 13, "covid": 0}, BOTH, few) == "scans-implausible"
    assert refusal(admit_scans, {"diseased": 12, "covid": 1}, BOTH, few) == "scans-implausible"


def test_an_equal_say_is_1() -> None:
    equal = BOTH.model_copy(update={"say": "equal"})
    admit_scans({"diseased": 1, "covid": 1}, equal, SITE)
    assert refusal(admit_scans, {"diseased": 2, "covid": 1}, equal, SITE) == "scans-implausible"


@pytest.mark.parametrize("loss", [{}, {"diseased": 1.0}, {"diseased": np.nan, "covid": 1.0}])
def test_losses_must_be_finite_and_one_for_each_network(loss: dict[str, float]) -> None:
    assert refusal(admit_losses, loss, SCANS, STUDY) == "loss-implausible"


def test_in_a_private_study_a_loss_is_refused() -> None:
    private = STUDY.model_copy(update={"privacy": PrivacyConfig(epsilon=1)})
    admit_losses({}, SCANS, private)
    assert refusal(admit_losses, {"diseased": 0.7, "covid": 0.2}, SCANS, private) == "loss-implausible"


@pytest.mark.parametrize(("patients", "scans"), [(3, 3 * 64), (4, 4), (1, 3 * 64 + 1)])
def test_scores_are_of_no_more_patients_and_scans_than_were_told(patients: int, scans: int) -> None:
    counts = np.zeros(1024, np.int64)
    counts[7] = scans
    told = replace(SITE, counts={**SITE.counts, "test": {"healthy": None, "covid": 3, "other": None}})
    asked = EvaluateRequest("test", ("diseased",))
    found = SiteEvaluation({"diseased": {"covid": ScoreHistogram(counts, patients)}, "covid": {}})
    if (patients, scans) == (3, 3 * 64):
        admit_evaluation(found, asked, told)
    else:
        assert refusal(admit_evaluation, found, asked, told) == "scores-implausible"


def of_thickness(**scores: tuple[list[float], int]) -> dict[str, Histograms]:
    """Subgroups: of each part the logits of COVID-19 scans, and of how many patients."""
    found = {
        part: ScoreHistogram.of(np.array(logits), patients) for part, (logits, patients) in scores.items()
    }
    return {part: {"diseased": {"covid": one}, "covid": {"covid": one}} for part, one in found.items()}


def test_subgroups_are_those_asked_for_and_add_up_to_their_class() -> None:
    floor, point = 2, EvaluateRequest("all", TASKS, {"diseased": 0.5, "covid": 0.5})
    told = replace(HELD_OUT.describe(), count_floor=floor)
    whole = ScoreHistogram.of(np.array([-1.0, 0.5, 0.5, 2.0, 3.0]), 4)
    calls = CallTable.of("covid", ["healthy", "covid", "covid", "covid", "covid"])

    def admitted(division: Division | None, request: EvaluateRequest = point, **scores: Any) -> str:
        subgroups = of_thickness(**scores)
        found = SiteEvaluation({"diseased": {"covid": whole}, "covid": {"covid": whole}}, calls, subgroups)
        if request.operating_point is None:
            found = replace(found, calls=CallTable())
        try:
            admit_evaluation(found, request, told, division)
        except PneumofedError as error:
            return error.code
        return "admitted"

    right: dict[str, Any] = {"thin": ([-1.0, 0.5], 2), "thick": ([0.5, 2.0, 3.0], 2)}
    assert admitted("slice-thickness", **right) == admitted("slice-thickness") == "admitted"
    assert admitted("manufacturer", **right) == admitted(None, **right) == "subgroups-not-asked"
    assert admitted("slice-thickness", EvaluateRequest("all", TASKS), **right) == "subgroups-not-asked"
    wrong: list[dict[str, Any]] = [
        {"thin": ([-1.0, 0.5], 2)},  # one is missing
        {**right, "medium": ([0.5, 2.0], 2)},  # one is too many
        {"thin": ([-1.0, 0.6], 2), "thick": ([0.5, 2.0, 3.0], 2)},  # another score
        {"thin": ([-1.0, 0.5], 1), "thick": ([0.5, 2.0, 3.0], 3)},  # fewer than the floor
        {"thin": ([-1.0, 0.5], 2), "thick": ([0.5, 2.0, 3.0], 3)},  # more patients
    ]
    assert [admitted("slice-thickness", **scores) for scores in wrong] == ["subgroups-implausible"] * 5


def test_subgroups_of_a_class_that_is_not_told_are_refused() -> None:
    point = EvaluateRequest("all", TASKS, {"diseased": 0.5, "covid": 0.5})
    found = replace(SiteEvaluation.empty(), subgroups=of_thickness(thin=([1.0], 1)))
    described = HELD_OUT.describe()
    assert refusal(admit_evaluation, found, point, described, "slice-thickness") == "subgroups-implausible"


def test_another_study_or_another_store_is_refused() -> None:
    admit_description(SITE, STUDY)
    assert refusal(admit_description, SITE, study_of(BOTH, seed=1)) == "study-mismatch"
    assert refusal(admit_description, replace(SITE, store="p2"), STUDY) == "store-fingerprint"


POINT: dict[Task, float] = {"diseased": 0.5, "covid": 0.4}


HELD_OUT = FakeSite("a", STUDY, role="held-out")


def admit_scores(evaluation: SiteEvaluation, request: EvaluateRequest) -> None:
    admit_evaluation(evaluation, request, HELD_OUT.describe())


def scores(tasks: tuple[Task, ...], point: dict[Task, float] | None = None) -> SiteEvaluation:
    return HELD_OUT.evaluate(weights_of(0), split="all", tasks=tasks, operating_point=point)


def test_an_evaluation_is_of_what_was_asked_for() -> None:
    admit_scores(scores(TASKS), EvaluateRequest("all", TASKS))
    admit_scores(scores(("covid",)), EvaluateRequest("all", ("covid",)))
    admit_scores(scores(TASKS, POINT), EvaluateRequest("all", TASKS, POINT))
    admit_scores(SiteEvaluation.empty(), EvaluateRequest("all", TASKS, POINT))


def test_scores_and_calls_that_were_not_asked_for_are_refused() -> None:
    diseased, both = EvaluateRequest("all", ("diseased",)), EvaluateRequest("all", TASKS)
    assert refusal(admit_scores, scores(TASKS), diseased) == "scores-not-asked"
    assert refusal(admit_scores, scores(TASKS, POINT), both) == "calls-incomplete"
    asked = EvaluateRequest("all", TASKS, POINT)
    assert refusal(admit_scores, scores(TASKS), asked) == "calls-incomplete"
    found = scores(TASKS, POINT)
    covid = CallTable({"covid": found.calls.counts["covid"]})
    assert refusal(admit_scores, replace(found, calls=covid), asked) == "calls-incomplete"
