"""A hospital's part in a scan decision in closed form: sums over its training scans' figures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from client.learning.evaluation import at_the_floor
from client.learning.scan_scoring import ScanScorer
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import TASKS
from shared_model.label_sums import LabelSums
from shared_model.progress import Progress
from shared_model.scan_figures import FIGURES, FigureSet, scan_figures


def summed_labels(
    scans: Sequence[ScanRecord], figure_set: FigureSet, count_floor: int
) -> dict[str, list[ScanRecord]]:
    """The scans of each label whose sums may leave.

    A label with fewer patients than the floor, or than twice the figures, is left out: its sums could be
    solved for single patients.
    """
    return at_the_floor(scans, max(count_floor, 2 * len(FIGURES[figure_set])))


def sum_figures(
    scorer: ScanScorer,
    by_label: dict[str, list[ScanRecord]],
    figure_set: FigureSet,
    progress: Progress | None = None,
) -> LabelSums:
    """The sums over the scans of each label. `progress` counts scans."""
    requests = [(scan, TASKS) for scans in by_label.values() for scan in scans]
    figures: dict[str, list[NDArray[np.float64]]] = {label: [] for label in by_label}
    for done, decisions in enumerate(scorer.decide(requests), start=1):
        figures[decisions.scan.label].append(scan_figures(decisions.scan_lobes, figure_set))
        if progress is not None:
            progress(done, len(requests))
    return LabelSums.of(figures)
