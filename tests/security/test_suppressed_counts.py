"""A coordinator that asks a hospital everything that it may, to learn how many patients are below the floor.

Two hospitals that differ in suppressed counts alone give the same numbers to every permitted question, so no
arithmetic on any sequence of answers tells one from the other. Only counts matter here: nothing is trained,
and every scan has the same score.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.learning.scan_scoring import LobeDecisions
from client.learning.site import Site
from shared_model.constants import LABELS, TASKS, Task
from shared_model.network_weights import to_weights
from shared_model.networks import make_networks
from shared_model.protocol import SCORED, SPLITS, Role, Split
from shared_model.scan_figures import FIGURES
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from tests.support.small_site import site_in_memory
from tests.support.stores import FINGERPRINT, MadeScan, scan_of

FLOOR = 3
THICKNESS = (1.0, 3.0, 6.0, None)
"""Of the four parts of the study's division."""
FOLDS = {"train": 0.1, "validation": 0.82, "test": 0.91, "all": 0.1}
Patients = Mapping[tuple[str, str], int]
"""By split and label; every third patient has a second scan."""

NETWORKS = make_networks(NetworkConfig(width=0.0625, init="random", scan_figures="infection-map"))

MOST = 2 * len(FIGURES["infection-map"]) + 2  # from 2 * figures on, sums leave


class NoTraining:
    """Leaves the networks as they are."""

    def __init__(self, *_: Any) -> None: ...

    def begin_round(self, round: Any) -> None: ...

    def train(self, *_: Any) -> float:
        return 0.5

    def end_round(self) -> None: ...


class OneScore:
    """Gives every lobe the same decisions."""

    def __init__(self, *_: Any) -> None: ...

    def decide(self, requests: Sequence[tuple[Any, Sequence[Task]]]) -> Iterator[LobeDecisions]:
        for scan, tasks in requests:
            lobes = len(scan.slice_index)
            grid = np.zeros((lobes, 32, 32), np.float32)
            logits = {task: np.zeros(lobes, np.float32) for task in tasks}
            yield LobeDecisions(scan, logits, grid, grid == 0)


def study(say: str) -> StudyConfig:
    stage: dict[str, Any] = {"networks": TASKS, "rounds": 1, "say": say}
    return StudyConfig(
        name="test",
        preprocessing=FINGERPRINT,
        network=NetworkConfig(width=0.0625, init="random", scan_figures="infection-map"),
        subgroups="slice-thickness",
        stages=(
            StageConfig(name="lobes", **stage),
            StageConfig(name="decisions", part="decision", **stage),
            StageConfig(name="scans", part="scan", **stage),
        ),
    )


def scans_of(patients: Patients) -> list[MadeScan]:
    return [
        made_scan(
            f"{split}-{label}-{number}-{again}", label, FOLDS[split] + number / 1000, THICKNESS[number % 4]
        )
        for (split, label), count in patients.items()
        for number in range(count)
        for again in range(2 if number % 3 == 0 else 1)
    ]


def made_scan(key: str, label: str, fold: float, thickness_mm: float | None) -> MadeScan:
    record, arrays = scan_of(key, label, slices=1, fold=fold)
    return replace(record, thickness_mm=thickness_mm), arrays


def answers(patients: Patients, role: Role, say: str) -> list[object]:
    """Every number and name that leaves, for every question that an approval permits."""
    site = site_in_memory(
        scans_of(patients), study=study(say), role=role, count_floor=FLOOR, training=NoTraining
    )
    weights = to_weights(site.networks)
    found: list[object] = [site.describe()]
    for stage in range(len(site.study.stages)) if role == "training" else ():
        result = site.train(weights, stage=stage, round=1)
        summed = {name: array[0, 0] for name, array in result.weights.items() if array.dtype == np.int64}
        found.append((dict(result.scans), dict(result.loss), sorted(result.weights), summed))
    for split, tasks in product(SCORED[role], (("diseased",), ("covid",), TASKS)):
        found += measured(site, weights, split, tasks)
    return found


def measured(site: Site, weights: Any, split: Split, tasks: tuple[Task, ...]) -> Iterator[object]:
    points = (None, dict.fromkeys(TASKS, 0.5)) if tasks == TASKS else (None,)
    for point in points:
        yield site.evaluate(weights, split=split, tasks=tasks, operating_point=point).to_json()


@pytest.mark.parametrize("role", ["training", "held-out"])
@given(data=st.data(), say=st.sampled_from(("scans", "equal", "two-class")))
@settings(max_examples=20, deadline=None)
def test_no_answer_depends_on_a_suppressed_count(role: Role, data: st.DataObject, say: str) -> None:
    counts = st.one_of(st.integers(0, FLOOR - 1), st.integers(FLOOR, MOST))
    places = list(product(SPLITS[role], LABELS))
    one = {place: data.draw(counts, label=str(place)) for place in places}
    other = {
        place: count if count >= FLOOR else data.draw(st.integers(0, FLOOR - 1))
        for place, count in one.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("client.learning.site.ScanScorer", OneScore)
        assert answers(one, role, say) == answers(other, role, say)


def measured_at(patients: Sequence[int]) -> str:
    """What a hospital tells of so many patients with COVID-19 in each of the four parts."""
    scans = [
        made_scan(f"{part}-{number}", "covid", 0.1 + part / 100 + number / 10_000, THICKNESS[part])
        for part, count in enumerate(patients)
        for number in range(count)
    ]
    site = site_in_memory(scans, study=study("scans"), role="held-out", count_floor=FLOOR)
    point = dict.fromkeys(TASKS, 0.5)
    return site.evaluate(to_weights(site.networks), split="all", operating_point=point).to_text()


def test_no_count_of_a_subgroup_below_the_floor_can_be_narrowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every answer, and for each set of parts: if its patients can be fewer than the floor, they can be
    any number below it. All hospitals of up to 3 times the floor's patients are tried.
    """
    monkeypatch.setattr("client.learning.site.ScanScorer", OneScore)
    monkeypatch.setattr("client.learning.site.make_networks", lambda *_: NETWORKS)
    told = defaultdict(list)
    for patients in product(range(3 * FLOOR + 1), repeat=len(THICKNESS)):
        if FLOOR <= sum(patients) <= 3 * FLOOR:
            told[measured_at(patients)].append(patients)
    assert any('"subgroups"' in answer for answer in told)
    for answer, hospitals in told.items():
        for size in range(1, len(THICKNESS)):
            for parts in combinations(range(len(THICKNESS)), size):
                below = {n for h in hospitals if (n := sum(h[part] for part in parts)) < FLOOR}
                assert below in (set(), set(range(FLOOR))), (answer[-300:], parts, hospitals[:3])
