"""FedProx (Li et al. 2020): a term of the loss that keeps a hospital's weights near the global ones."""

from collections.abc import Mapping

import torch
from torch import Tensor


def proximal_term(trained: Mapping[str, Tensor], start: Mapping[str, Tensor], mu: float) -> Tensor:
    """mu / 2 times the squared distance of the weights `trained` from `start`, a scalar."""
    squares = [(weight - start[name]).square().sum() for name, weight in trained.items()]
    return mu / 2 * torch.stack(squares).sum()
