"""How far readers agree with models and with each other, from blinded readings only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from client.reading_room.reading_log import Reading
from shared_model.constants import LABELS, Label
from shared_model.metrics.kappa import Kappa, cohen_kappa

Labels = dict[tuple[str, str], Label]
"""A reader's labels by study and its images."""


@dataclass(frozen=True)
class Agreement:
    """Of two raters, on scans that both rated.

    diseased: kappa of diseased or healthy; classes: of healthy, COVID-19 and other pneumonia. table: scans,
    table[first's label][second's].
    """

    first: str
    second: str
    diseased: Kappa
    classes: Kappa
    table: dict[Label, dict[Label, int]]


def with_models(readings: Iterable[Reading]) -> list[Agreement]:
    """Of each reader with each model whose verdict they saw after their answer."""
    found: dict[tuple[str, str], list[tuple[Label, Label]]] = defaultdict(list)
    for reading in _blinded(readings):
        _, weights, card = reading.made_of.split(" ")
        model = f"{reading.model}, weights {weights[:8]}, card {card[:8]}"
        found[reading.reader, model].append((reading.label, reading.model_label))
    return [_agreement(first, second, pairs) for (first, second), pairs in sorted(found.items())]


def between_readers(readings: Iterable[Reading]) -> list[Agreement]:
    """Of each two readers, on the same images."""
    labels: dict[str, Labels] = defaultdict(dict)
    for reading in _blinded(readings):
        images = reading.made_of.split(" ")[0]
        labels[reading.reader][reading.study, images] = reading.label
    return [
        _agreement(one, other, _common(labels[one], labels[other]))
        for one, other in combinations(sorted(labels), 2)
    ]


def _common(one: Labels, other: Labels) -> list[tuple[Label, Label]]:
    return [(label, other[scan]) for scan, label in one.items() if scan in other]


def _blinded(readings: Iterable[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.blinded]


def _agreement(first: str, second: str, pairs: Sequence[tuple[Label, Label]]) -> Agreement:
    return Agreement(
        first,
        second,
        diseased=cohen_kappa((_diseased(one), _diseased(other)) for one, other in pairs),
        classes=cohen_kappa(pairs),
        table={one: {other: pairs.count((one, other)) for other in LABELS} for one in LABELS},
    )


def _diseased(label: Label) -> str:
    return "healthy" if label == "healthy" else "diseased"
