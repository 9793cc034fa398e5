"""The logits of a scan from what the networks say of its lobes: by its figures, or by eq. 2 (2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from shared_model.constants import Task
from shared_model.networks import LobeNetwork
from shared_model.scan_decision import scan_logit, slab_logits
from shared_model.scan_figures import FIGURES, Figure, ScanLobes, Values, scan_figures
from shared_model.scan_head import ScanHead
from shared_model.study import StudyConfig


@dataclass(frozen=True)
class FigureValue:
    """A figure of one scan, and what it adds to the logit of each task whose scan head is fitted."""

    figure: Figure
    value: float
    contributions: dict[Task, float]


def figure_values(
    networks: Mapping[Task, LobeNetwork], lobes: ScanLobes, study: StudyConfig
) -> tuple[FigureValue, ...]:
    """The figures by which a scan is decided; none if it is decided by the study's rule."""
    heads, figure_set = _fitted_heads(networks), study.network.scan_figures
    if not heads or figure_set is None:
        return ()
    values = scan_figures(lobes, figure_set)
    parts = {task: head.contributions(_on_device_of(head, values)) for task, head in heads.items()}
    return tuple(
        FigureValue(figure, float(values[i]), {t: float(parts[t][i]) for t in heads if t in figure.tasks})
        for i, figure in enumerate(FIGURES[figure_set])
    )


def scan_logits(
    networks: Mapping[Task, LobeNetwork], lobes: ScanLobes, study: StudyConfig
) -> dict[Task, float]:
    """The scan's logit of each task that `lobes` has logits of.

    A network whose scan head is fitted decides by the scan's figures, any other by the study's rule.
    """
    logits = {task: _by_rule(lobes, task, study) for task in lobes.logits}
    heads, figure_set = _fitted_heads(networks), study.network.scan_figures
    if heads and figure_set is not None:
        values = scan_figures(lobes, figure_set)
        logits |= {
            task: float(head(_on_device_of(head, values))) for task, head in heads.items() if task in logits
        }
    return logits


def _by_rule(lobes: ScanLobes, task: Task, study: StudyConfig) -> float:
    """Eq. 2 or the study's share, of slices or of the study's slabs."""
    places = lobes.logits[task], lobes.slice_index, lobes.side
    slices = round(study.slab_mm / lobes.slice_mm)
    if slices > 1:
        places = slab_logits(*places, slices)
    return scan_logit(*places, study.scan_share(task))


def _fitted_heads(networks: Mapping[Task, LobeNetwork]) -> dict[Task, ScanHead]:
    heads = {task: network.scan_decision for task, network in networks.items()}
    return {task: head for task, head in heads.items() if head is not None and head.is_fitted}


def _on_device_of(head: ScanHead, values: Values) -> Tensor:
    return torch.from_numpy(values).to(head.centre.device)
