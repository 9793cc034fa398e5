"""The logits of a scan from what the networks say of its lobes: by its figures, or by eq. 2 (2.6)."""

from collections.abc import Mapping

import torch

from shared_model.constants import Task
from shared_model.networks import LobeNetwork
from shared_model.scan_decision import scan_logit
from shared_model.scan_figures import ScanLobes, scan_figures
from shared_model.study import StudyConfig


def scan_logits(
    networks: Mapping[Task, LobeNetwork], lobes: ScanLobes, study: StudyConfig
) -> dict[Task, float]:
    """The scan's logit of each task that `lobes` has logits of.

    A network whose scan head is fitted decides by the scan's figures, any other by the study's rule.
    """
    logits: dict[Task, float] = {}
    for task, of_lobes in lobes.logits.items():
        head = networks[task].scan_decision
        if head is not None and head.is_fitted and study.network.scan_figures is not None:
            figures = torch.from_numpy(scan_figures(lobes, study.network.scan_figures))
            figures = figures.to(head.coefficients.device)
            logits[task] = float(head(figures))
        else:
            logits[task] = scan_logit(of_lobes, lobes.slice_index, lobes.side, study.scan_share(task))
    return logits
