"""The headline figure: how well scans of one hospital are ordered, over several hospitals."""

import math
from collections.abc import Iterable, Mapping

from shared_model.constants import Task
from shared_model.metrics.auc import Auc
from shared_model.metrics.site_evaluation import SiteEvaluation


def hospital_aucs(evaluations: Mapping[str, SiteEvaluation], task: Task) -> dict[str, Auc]:
    """The area inside each hospital, by name; a hospital without scans of both classes is left out."""
    areas = {name: evaluation.auc(task) for name, evaluation in evaluations.items()}
    return {name: area for name, area in areas.items() if area is not None}


def within_hospital_auc(evaluations: Iterable[SiteEvaluation], task: Task) -> Auc | None:
    """The mean of the areas inside each hospital, weighted by pairs; None if no hospital has both classes.

    A pair is a positive and a negative scan of the same hospital, so what tells hospitals apart (the
    scanner, or how many are ill there) counts nothing. The 95 % interval combines the hospitals' own by the
    method of variance estimates recovery (Zou, Huang and Zhang 2009): the squared distances of their limits,
    each times its squared weight, add. Of one hospital it is that hospital's, and it never leaves [0, 1].
    """
    areas = [area for evaluation in evaluations if (area := evaluation.auc(task)) is not None]
    if not areas:
        return None
    pairs = sum(area.pairs for area in areas)
    weights = [area.pairs / pairs for area in areas]
    value = math.fsum(w * area.value for w, area in zip(weights, areas, strict=True))
    below = math.hypot(*(w * (area.value - area.low) for w, area in zip(weights, areas, strict=True)))
    above = math.hypot(*(w * (area.high - area.value) for w, area in zip(weights, areas, strict=True)))
    return Auc(
        value=min(1.0, value),
        low=max(0.0, value - below),
        high=min(1.0, value + above),
        positives=sum(area.positives for area in areas),
        negatives=sum(area.negatives for area in areas),
        pairs=pairs,
        n=sum(area.n for area in areas),
    )
