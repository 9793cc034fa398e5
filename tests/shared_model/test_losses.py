"""The losses against the paper's words in loops, and the laws they must keep."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_model import losses
from shared_model.patches import COARSE
from tests.reference import losses as literal


def draws(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("lobes", "top"), [(10, 3), (2, 1), (1, 1), (7, 2)])
def test_lobe_loss_is_eq_3(lobes: int, top: int) -> None:
    logits, positive = draws(1, 4, lobes) * 3, torch.tensor([True, False, True, False])
    ours = losses.lobe_loss(logits, positive)
    assert ours.item() == pytest.approx(literal.lobe_loss(logits.tolist(), positive.tolist(), top), rel=1e-12)


def test_lobe_loss_reaches_only_the_top_lobes() -> None:
    logits = draws(2, 2, 10).requires_grad_()
    losses.lobe_loss(logits, torch.tensor([True, False])).backward()
    assert ((logits.grad != 0).sum(dim=1) == 3).all()
    moved = (logits.grad != 0).nonzero()[:, 1].view(2, 3).sort().values
    assert torch.equal(moved, logits.topk(3).indices.sort().values)


def test_lobe_loss_is_finite_where_probabilities_round_to_one() -> None:
    assert losses.lobe_loss(torch.full((1, 10), 200.0), torch.tensor([False])).item() == pytest.approx(200.0)


def test_coarse_labels_are_a_third_of_the_patch() -> None:
    semi = draws(3, 1, 256, 256) > 0.43  # about a third of all pixels
    semi[:, 100:140, 60:100] = True
    expected = literal.coarse_labels(semi[0].tolist(), True)
    ours = losses.coarse_labels(COARSE.share(semi), torch.tensor([True]))
    assert ours[0].tolist() == expected
    assert 0 < ours.sum() < ours.numel()
    assert not losses.coarse_labels(COARSE.share(semi), torch.tensor([False])).any()


def test_coarse_label_at_exactly_a_third() -> None:
    semi = torch.zeros(1, 256, 256, dtype=torch.bool)
    rows, columns = slice(8 * 10 - 14, 8 * 10 - 14 + 12), slice(8 * 5 - 14, 8 * 5 + 22)
    semi[:, rows, columns] = True  # 12 x 36 = 432 = 1296 / 3
    assert losses.coarse_labels(COARSE.share(semi), torch.tensor([True]))[0, 10, 5]
    semi[:, 8 * 10 - 14, 8 * 5 - 14] = False
    assert not losses.coarse_labels(COARSE.share(semi), torch.tensor([True]))[0, 10, 5]


def test_fine_labels_need_dense_pixels_and_a_believed_coarse_patch() -> None:
    semi = draws(4, 1, 256, 256) > -0.75  # dense enough that many fine patches exceed 3/4
    coarse = torch.sigmoid(draws(5, 1, 32, 32) - 2)
    ours = losses.fine_labels(semi, torch.tensor([True]), coarse)
    assert ours[0].tolist() == literal.fine_labels(semi[0].tolist(), True, coarse[0].tolist())
    assert 0 < ours.sum() < ours.numel()


@given(
    seed=st.integers(0, 10_000),
    share=st.floats(0, 1),
    diseased=st.lists(st.booleans(), min_size=3, max_size=3),
)
@settings(max_examples=40)
def test_patch_loss_is_the_papers(seed: int, share: float, diseased: list[bool]) -> None:
    logits = draws(seed, 3, 2, 4, 5) * 2
    sick = torch.tensor(diseased)
    infected = (torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(seed)) < share) & sick[
        :, None, None
    ]
    ours = losses.patch_loss(logits, infected, sick, torch.ones_like(infected))
    expected = literal.patch_loss(logits.tolist(), infected.tolist(), diseased)
    assert ours.item() == pytest.approx(expected, rel=1e-9)


@given(seed=st.integers(0, 10_000), diseased=st.lists(st.booleans(), min_size=3, max_size=3))
@settings(max_examples=40)
def test_patches_that_are_not_counted_might_as_well_not_be_there(seed: int, diseased: list[bool]) -> None:
    logits = (draws(seed, 3, 2, 4, 5) * 2).requires_grad_()
    sick = torch.tensor(diseased)
    infected = (draws(seed + 1, 3, 4, 5) > 0.5) & sick[:, None, None]
    counted = draws(seed + 2, 3, 4, 5) > 0
    ours = losses.patch_loss(logits, infected, sick, counted)
    expected = literal.patch_loss(logits.tolist(), infected.tolist(), diseased, counted.tolist())
    assert ours.item() == pytest.approx(expected, rel=1e-9)
    ours.backward()
    assert (logits.grad[~counted[:, None].expand_as(logits)] == 0).all()


def test_a_batch_without_a_counted_patch_costs_nothing() -> None:
    logits, none = draws(3, 2, 2, 4, 4).requires_grad_(), torch.zeros(2, 4, 4, dtype=torch.bool)
    loss = losses.patch_loss(logits, none, torch.tensor([True, False]), none)
    loss.backward()
    assert loss.item() == 0 and (logits.grad == 0).all()


def test_eq_4_balances_infected_and_healthy_patches() -> None:
    sick = torch.tensor([True, True, False])
    infected = (draws(7, 3, 32, 32) > 2) & sick[:, None, None]
    weight = losses.patch_weights(draws(8, 3, 32, 32).exp(), infected, sick, torch.ones_like(infected))
    assert weight[infected].sum().item() == pytest.approx(weight[~infected].sum().item())
    assert (weight[2] == 1).all()


@pytest.mark.parametrize("diseased", [[False, False], [True, True]])
@pytest.mark.parametrize("infected", [False, True])
def test_a_batch_of_one_kind_is_legal(diseased: list[bool], infected: bool) -> None:
    logits = draws(9, 2, 2, 4, 4).requires_grad_()
    labels = torch.full((2, 4, 4), infected) & torch.tensor(diseased)[:, None, None]
    loss = losses.patch_loss(logits, labels, torch.tensor(diseased), torch.ones_like(labels))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("concerned", [[True, True, True], [True, False, True], [False, False, False]])
def test_concordance_is_the_squared_difference(concerned: list[bool]) -> None:
    lobe, patch = draws(10, 3), draws(11, 3, 2, 6, 6)
    ours = losses.concordance_loss(lobe, patch, torch.tensor(concerned))
    assert ours.item() == pytest.approx(literal.concordance_loss(lobe.tolist(), patch.tolist(), concerned))
