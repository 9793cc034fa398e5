import torch

from shared_model.networks import LobeNetwork
from shared_model.scan_figures import CENTRE, COEFFICIENTS, FIGURES, INTERCEPT
from shared_model.scan_head import ScanHead
from shared_model.study import NetworkConfig


def test_the_logit_is_linear_and_its_parts_add_up() -> None:
    head = ScanHead(2)
    assert not head.is_fitted
    head.coefficients.copy_(torch.tensor([2.0, -1.0]))
    head.centre.copy_(torch.tensor([0.5, 1.0]))
    head.intercept.fill_(0.25)
    figures = torch.tensor([1.5, 4.0], dtype=torch.float64)
    assert head.is_fitted
    assert head.contributions(figures).tolist() == [2.0, -3.0]
    assert head(figures).item() == 0.25 + 2.0 - 3.0


def test_a_network_has_its_arrays_if_the_study_has_figures() -> None:
    config = NetworkConfig(width=0.0625, init="random", scan_figures="law-free")
    arrays = LobeNetwork(config, infection_heads=False).state_dict()
    assert arrays[COEFFICIENTS].shape == arrays[CENTRE].shape == (len(FIGURES["law-free"]),)
    assert arrays[INTERCEPT].shape == (1,)
    without = LobeNetwork(config.model_copy(update={"scan_figures": None}), infection_heads=False)
    assert COEFFICIENTS not in without.state_dict()
