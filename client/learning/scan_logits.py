"""The logits of a scan from what the networks say of its lobes: by its figures, or by eq. 2 (2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from shared_model.constants import Task
from shared_model.networks import LobeNetwork
from shared_model.scan_decision import scan_logit
from shared_model.scan_figures import FIGURES, Figure, ScanLobes, scan_figures
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
    heads = {task: head for task, network in networks.items() if (head := _fitted_head(network)) is not None}
    figure_set = study.network.scan_figures
    if not heads or figure_set is None:
        return ()
    values = scan_figures(lobes, figure_set)
    parts = {
        task: head.contributions(torch.from_numpy(values).to(head.centre.device))
        for task, head in heads.items()
    }
    return tuple(
        FigureValue(figure, float(values[i]), {t: float(parts[t][i]) for t in heads if t in figure.tasks})
        for i, figure in enumerate(FIGURES[figure_set])
    )


def _fitted_head(network: LobeNetwork) -> ScanHead | None:
    head = network.scan_decision
    return head if head is not None and head.is_fitted else None


def scan_logits(
    networks: Mapping[Task, LobeNetwork], lobes: ScanLobes, study: StudyConfig
) -> dict[Task, float]:
    """The scan's logit of each task that `lobes` has logits of.

    A network whose scan head is fitted decides by the scan's figures, any other by the study's rule.
    """
    logits: dict[Task, float] = {}
    for task, of_lobes in lobes.logits.items():
        head = _fitted_head(networks[task])
        if head is not None and study.network.scan_figures is not None:
            figures = torch.from_numpy(scan_figures(lobes, study.network.scan_figures))
            figures = figures.to(head.coefficients.device)
            logits[task] = float(head(figures))
        else:
            logits[task] = scan_logit(of_lobes, lobes.slice_index, lobes.side, study.scan_share(task))
    return logits
