"""Laws that the losses of 2.7 keep for any batch, also one of one kind, and in coarse numbers."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_model import losses
from shared_model.patches import FINE
from tests.reference import losses as literal

quick = settings(max_examples=40)
seeds = st.integers(0, 2**31 - 1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draws(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def patches(seed: int, diseased: list[bool], share: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross entropies, fake labels (none in healthy scans) and diseased, of 3 x 4 patches a lobe."""
    sick = torch.tensor(diseased)
    drawn = torch.rand(len(diseased), 3, 4, generator=generator(seed)) < share
    return draws(seed, len(diseased), 3, 4).exp(), drawn & sick[:, None, None], sick


batches = st.tuples(seeds, st.lists(st.booleans(), min_size=1, max_size=5), st.floats(0, 1))


@given(seed=seeds, scans=st.integers(1, 4), lobes=st.integers(1, 12), share=st.floats(0.05, 1))
@quick
def test_eq_3_for_any_bag_in_any_order(seed: int, scans: int, lobes: int, share: float) -> None:
    logits, positive = draws(seed, scans, lobes) * 4, draws(seed + 1, scans) > 0
    top = max(1, round(share * lobes))
    ours = losses.lobe_loss(logits, positive, share)
    assert ours.item() == pytest.approx(literal.lobe_loss(logits.tolist(), positive.tolist(), top), rel=1e-9)
    shuffled = logits[:, torch.randperm(lobes, generator=generator(seed))]
    assert losses.lobe_loss(shuffled, positive, share).item() == pytest.approx(ours.item(), rel=1e-12)


@given(seed=seeds, positive=st.booleans())
@quick
def test_eq_3_pulls_a_scan_towards_its_label(seed: int, positive: bool) -> None:
    logits = draws(seed, 1, 10).requires_grad_()
    losses.lobe_loss(logits, torch.tensor([positive])).backward()
    assert (logits.grad <= 0).all() if positive else (logits.grad >= 0).all()


@given(batch=batches)
@quick
def test_the_least_believed_fifth_of_diseased_scans_weighs_a_tenth(batch) -> None:
    """Without an infected patch eq. 4 has nothing to balance, and the plain weights show."""
    cross_entropy, _, diseased = patches(*batch)
    none = torch.zeros_like(cross_entropy, dtype=torch.bool)
    weight = losses.patch_weights(cross_entropy, none, diseased, ~none)
    assert (weight[~diseased] == 1).all()
    if diseased.any():
        doubted = weight[diseased] == losses.DISCORDANT_WEIGHT
        patches_of_diseased = doubted.numel()
        assert doubted.sum() == patches_of_diseased - max(1, round(0.8 * patches_of_diseased))
        assert (weight[diseased][~doubted] == 1).all()
        if doubted.any():
            entropies = cross_entropy[diseased]
            assert entropies[doubted].min() >= entropies[~doubted].max()


@given(batch=batches)
@quick
def test_eq_4_balances_where_there_are_both_kinds_and_only_there(batch) -> None:
    cross_entropy, infected, diseased = patches(*batch)
    weight = losses.patch_weights(cross_entropy, infected, diseased, torch.ones_like(infected))
    assert torch.isfinite(weight).all() and (weight > 0).all()
    if infected.any() and (~infected).any():
        assert weight[infected].sum().item() == pytest.approx(weight[~infected].sum().item())
    else:
        assert set(weight.unique().tolist()) <= {1.0, losses.DISCORDANT_WEIGHT}


@given(seed=seeds, diseased=st.booleans())
@quick
def test_fine_labels_follow_the_coarse_output(seed: int, diseased: bool) -> None:
    semi = torch.rand(1, 256, 256, generator=generator(seed)) > 0.15
    coarse = torch.rand(1, 32, 32, generator=generator(seed + 1))
    labels = losses.fine_labels(semi, torch.tensor([diseased]), coarse)
    assert not (labels & (FINE.share(semi) <= losses.FINE_LABEL_SHARE)).any()
    assert not losses.fine_labels(semi, torch.tensor([diseased]), coarse.clamp(max=0.5)).any()
    more = losses.fine_labels(semi, torch.tensor([diseased]), (coarse + 0.3).clamp(max=1))
    assert not (labels & ~more).any()
    assert diseased or not labels.any()


@given(seed=seeds, concerned=st.lists(st.booleans(), min_size=1, max_size=5))
@quick
def test_concordance_leaves_the_others_alone(seed: int, concerned: list[bool]) -> None:
    n = len(concerned)
    lobe, patch = draws(seed, n).requires_grad_(), draws(seed + 1, n, 2, 3, 3).requires_grad_()
    loss = losses.concordance_loss(lobe, patch, torch.tensor(concerned))
    loss.backward()
    expected = literal.concordance_loss(lobe.tolist(), patch.tolist(), concerned)
    assert loss.item() == pytest.approx(expected, abs=1e-12) and 0 <= loss.item() <= 1
    outside = ~torch.tensor(concerned)
    assert not lobe.grad[outside].any() and not patch.grad[outside].any()


@given(seed=seeds, size=st.floats(1, 1e4), dtype=st.sampled_from([torch.float32, torch.bfloat16]))
@quick
def test_losses_and_gradients_are_finite_for_extreme_logits(seed: int, size: float, dtype) -> None:
    lobe = (draws(seed, 4) * size).to(dtype).requires_grad_()
    patch = (draws(seed + 1, 4, 2, 8, 8) * size).to(dtype).requires_grad_()
    sick = torch.tensor([True, True, False, True])
    infected = (draws(seed + 2, 4, 8, 8) > 0.5) & sick[:, None, None]
    total = (
        losses.lobe_loss(lobe.view(2, 2), torch.tensor([True, False]))
        + losses.patch_loss(patch, infected, sick, torch.ones_like(infected))
        + losses.concordance_loss(lobe, patch, sick)
    )
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(lobe.grad).all() and torch.isfinite(patch.grad).all()


@given(seed=seeds)
@quick
def test_coarse_numbers_change_the_losses_by_their_rounding_alone(seed: int) -> None:
    """Logits that were rounded to bfloat16 (8 bits: 0.4 %) move the losses by as much, not by more."""
    lobe, patch = draws(seed, 6), draws(seed + 1, 6, 2, 8, 8)
    sick = torch.tensor([True, True, False, True, True, False])
    infected = (draws(seed + 2, 6, 8, 8) > 0.5) & sick[:, None, None]

    def all_losses(rounded):
        logits, patch_logits = rounded(lobe), rounded(patch)
        return torch.stack(
            [
                losses.lobe_loss(logits.view(2, 3), torch.tensor([True, False])),
                F.cross_entropy(patch_logits, infected.long()),
                losses.concordance_loss(logits, patch_logits, sick),
            ]
        )

    exact, coarse = all_losses(lambda x: x.float()), all_losses(lambda x: x.bfloat16().float())
    torch.testing.assert_close(exact, coarse, rtol=0.02, atol=0.01)
