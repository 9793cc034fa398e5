"""What a hospital sums for a scan decision: whose sums may leave, and what is in them."""

import numpy as np
import pytest

from client.learning.scan_logits import scan_logits
from client.learning.scan_scoring import ScanScorer
from client.learning.scan_sums import summed_labels
from preprocessing.store.scan_record import ScanRecord
from server.round_updates import round_updates
from shared_model.constants import TASKS
from shared_model.label_sums import GRID, LabelSums
from shared_model.network_weights import load_weights
from shared_model.scan_figures import FIGURES, scan_figures
from shared_model.study_stage import StageConfig
from tests.support.initial_weights import initial_weights
from tests.support.small_site import site_in_memory
from tests.support.small_study import LOBES, STUDY
from tests.support.stores import MadeScan, scan_of

COUNT = len(FIGURES["infection-map"])
SCAN_STAGE = StageConfig(name="scans", networks=TASKS, part="scan", rounds=1)
STUDY_OF_FIGURES = STUDY.model_copy(
    update={
        "network": STUDY.network.model_copy(update={"scan_figures": "infection-map"}),
        "stages": (LOBES, SCAN_STAGE),
    }
)
WEIGHTS = initial_weights(STUDY_OF_FIGURES)


def patients(label: str, count: int, first: int = 0) -> list[MadeScan]:
    return [
        scan_of(f"{label}{i}", label, slices=2, fold=0.003 * i + 0.0001 * len(label))
        for i in range(first, first + count)
    ]


def records(made: list[MadeScan]) -> list[ScanRecord]:
    return [record for record, _ in made]


@pytest.mark.parametrize(
    ("count", "floor", "left"),
    [(2 * COUNT, 1, True), (2 * COUNT - 1, 1, False), (2 * COUNT, 2 * COUNT + 1, False)],
)
def test_a_class_of_few_patients_is_left_out(count: int, floor: int, left: bool) -> None:
    scans = records(patients("covid", count) + patients("healthy", 2 * COUNT + 3))
    expected = {"covid", "healthy"} if left else {"healthy"}
    assert summed_labels(scans, "infection-map", floor).keys() == expected


def test_many_scans_of_few_patients_are_left_out() -> None:
    scans = [scan_of(f"c{i}", "covid", fold=0.01 * (i % 3)) for i in range(50)]
    assert not summed_labels(records(scans), "infection-map", 1)


def test_the_sums_are_those_of_the_training_scans_figures() -> None:
    made = patients("covid", 2 * COUNT) + [scan_of("v", "covid", slices=2, fold=0.85)]
    site = site_in_memory(made, study=STUDY_OF_FIGURES)
    result = site.train(WEIGHTS, stage=1, round=1)
    assert result.scans == {"diseased": 2 * COUNT, "covid": 2 * COUNT} and not result.loss
    load_weights(site.networks, WEIGHTS)
    scorer = ScanScorer(site.networks, site.store, site.dtype)
    figures = np.array(
        [
            scan_figures(found.scan_lobes, "infection-map")
            for found in scorer.decide([(record, TASKS) for record in records(made[:-1])])
        ]
    )
    rows = np.column_stack([np.ones(len(figures)), np.rint(figures / GRID)])
    assert (result.weights["covid"] == rows.T @ rows).all() and result.weights.keys() == {"covid"}


def test_the_head_is_the_same_for_any_hospitals_and_decides_evaluations() -> None:
    made = [scan for label in ("covid", "other", "healthy") for scan in patients(label, 4 * COUNT)]
    halves = [scan for i, scan in enumerate(made) if i % 2 == 0], [s for i, s in enumerate(made) if i % 2]

    def fitted(*hospitals: list[MadeScan]) -> dict[str, np.ndarray]:
        updates = round_updates(SCAN_STAGE, STUDY_OF_FIGURES, WEIGHTS)
        for scans in hospitals:
            site = site_in_memory(scans, study=STUDY_OF_FIGURES)
            updates.add(site.train(WEIGHTS, stage=1, round=1), site.describe())
        assert not updates.undecided()
        return updates.result()

    whole, divided = fitted(made), fitted(*halves)
    assert all((whole[name] == divided[name]).all() for name in whole)
    changed = {name for name in whole if (whole[name] != WEIGHTS[name]).any()}
    assert changed and all(".coefficients" in name or ".centre" in name for name in changed)

    tested = [
        scan_of(f"t{i}", label, slices=2, fold=0.95) for i, label in enumerate(["covid", "other", "healthy"])
    ]
    site = site_in_memory(tested, study=STUDY_OF_FIGURES)
    evaluation = site.evaluate(whole, split="test")
    scorer = ScanScorer(site.networks, site.store, site.dtype)
    for found in scorer.decide([(record, TASKS) for record in records(tested)]):
        logits = scan_logits(site.networks, found.scan_lobes, STUDY_OF_FIGURES)
        for task in TASKS:
            if found.scan.label in evaluation.histograms[task]:
                counts = evaluation.histograms[task][found.scan.label].counts
                assert counts[int(np.floor((np.clip(logits[task], -16, 15.99) + 16) * 32))] == 1
    assert evaluation.histograms["covid"].keys() == {"covid", "other"}


def test_sums_that_are_left_out_cannot_be_subtracted() -> None:
    """Every label's sums stand alone: no answer contains a left-out label's."""
    made = patients("covid", 2 * COUNT) + patients("other", 3)
    sent = LabelSums.from_arrays(
        site_in_memory(made, study=STUDY_OF_FIGURES).train(WEIGHTS, stage=1, round=1).weights, COUNT
    )
    assert sent.sums.keys() == {"covid"} and sent.scans(["covid"]) == 2 * COUNT
