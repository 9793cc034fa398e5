"""The scan decision in closed form: one linear function of a scan's figures."""

import torch
from torch import Tensor, nn


class ScanHead(nn.Module):
    """Figures of a scan [figure] -> the scan's logit: intercept + coefficients . (figures - centre).

    Nothing is trained by gradients: server/strategies/closed_form.py computes all arrays. Before that they
    are 0, `is_fitted` is False, and a scan is decided by eq. 2.
    """

    coefficients: Tensor
    centre: Tensor
    intercept: Tensor

    def __init__(self, figures: int) -> None:
        super().__init__()
        self.register_buffer("coefficients", torch.zeros(figures))
        self.register_buffer("centre", torch.zeros(figures))
        self.register_buffer("intercept", torch.zeros(1))

    @property
    def is_fitted(self) -> bool:
        return bool((self.coefficients != 0).any())

    def contributions(self, figures: Tensor) -> Tensor:
        """What each figure adds to the logit, float64 [figure]."""
        return self.coefficients.double() * (figures.double() - self.centre.double())

    def forward(self, figures: Tensor) -> Tensor:
        """The logit, a float64 scalar; `figures` is [figure]."""
        return self.intercept.double()[0] + self.contributions(figures).sum()
