"""Augmentation against moves and factors worked out by hand; what it must never do."""

import numpy as np
import pytest
import torch

from client.learning.augmentation import augment
from client.learning.batches import draw_batches, read_batches
from preprocessing.store.scan_record import LobeArrays
from shared_model.study import load_study
from shared_model.study_stage import AugmentationConfig, StageConfig
from tests.support.stores import MemoryStore, scan_of

STILL = AugmentationConfig(shift=0, intensity=0.0)


def lobes() -> LobeArrays:
    return scan_of("a", "covid", slices=3)[1]


def fields(arrays: LobeArrays):
    return arrays.images, arrays.mask, arrays.distance, arrays.semi_infection


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_asked_changes_nothing():
    for before, after in zip(fields(lobes()), fields(augment(lobes(), STILL, generator())), strict=True):
        np.testing.assert_array_equal(before, after)


def test_all_fields_of_a_lobe_move_together_and_nothing_comes_round_the_edge():
    how = AugmentationConfig(shift=3, intensity=0.0)
    before, after = lobes(), augment(lobes(), how, generator(1))
    moves = set()
    for lobe in range(len(before.mask)):
        (move,) = [
            (down, right)
            for down in range(-3, 4)
            for right in range(-3, 4)
            if all(
                np.array_equal(by_hand(one[lobe], down, right), other[lobe])
                for one, other in zip(fields(before), fields(after), strict=True)
            )
        ]
        moves.add(move)
    assert len(moves) > 1  # each lobe for itself


def by_hand(field: np.ndarray, down: int, right: int) -> np.ndarray:
    out = np.zeros_like(field)
    for row in range(256):
        if 0 <= row - down < 256:
            first, last = max(0, right), min(256, 256 + right)
            out[..., row, first:last] = field[..., row - down, first - right : last - right]
    return out


def test_intensities_stay_in_the_range_and_within_the_share():
    how = AugmentationConfig(shift=0, intensity=0.1)
    before = lobes().images.astype(float)
    factors = set()
    for seed in range(8):
        after = augment(lobes(), how, generator(seed)).images
        assert after.dtype == np.uint16 and after.max() <= 2048
        inside = before > 500
        ratio = after[inside] / before[inside]
        assert (
            ratio.max() - ratio.min() < 0.005 and 0.89 < ratio.mean() < 1.11
        )  # one factor, but for rounding
        factors.add(round(float(ratio.mean()), 3))
        assert (after[before == 0] == 0).all()
    assert len(factors) > 4
    bright = LobeArrays(np.full((1, 3, 256, 256), 2048, np.uint16), *(f[:1] for f in fields(lobes())[1:]))
    assert all(augment(bright, how, generator(seed)).images.max() <= 2048 for seed in range(4))


def test_a_flip_exchanges_front_and_back_of_a_whole_scan():
    how = AugmentationConfig(shift=0, intensity=0.0, flip=True)
    seen = set()
    for seed in range(8):
        after = augment(lobes(), how, generator(seed))
        flipped = not np.array_equal(after.images, lobes().images)
        seen.add(flipped)
        for before, field in zip(fields(lobes()), fields(after), strict=True):
            np.testing.assert_array_equal(before[..., ::-1, :] if flipped else before, field)
    assert seen == {True, False}


def test_breath_raises_grey_between_air_and_water_to_one_power_and_moves_nothing_else():
    how = AugmentationConfig(shift=0, intensity=0.0, breath=0.3)
    ramp = np.arange(3 * 256 * 256).reshape(1, 3, 256, 256) % 2049
    before = LobeArrays(ramp.astype(np.uint16), *(f[:1] for f in fields(lobes())[1:]))
    powers = []
    for seed in range(8):
        after = augment(before, how, generator(seed))
        for field, kept in zip(fields(after)[1:], fields(before)[1:], strict=True):
            np.testing.assert_array_equal(field, kept)
        new = after.images.ravel()[:2049]
        assert new[0] == 0 and np.array_equal(new[1000:], np.arange(1000, 2049))
        assert np.array_equal(after.images.ravel(), new[ramp.ravel()])  # one power for all planes
        power = np.log(new[500] / 1000) / np.log(0.5)
        for grey in (50, 130, 300, 700, 900):
            assert new[grey] == pytest.approx(1000 * (grey / 1000) ** power, abs=1.5)
        powers.append(np.log(power))
    assert min(powers) < -0.1 and max(powers) > 0.1 and np.abs(powers).max() < 0.301


def test_it_is_off_in_the_papers_study_and_no_flip_by_default():
    assert all(stage.augmentation is None for stage in load_study("paper").stages)
    assert not AugmentationConfig().flip
    with pytest.raises(ValueError, match="features once"):
        StageConfig(
            name="d", networks=("covid",), rounds=1, part="decision", augmentation=AugmentationConfig()
        )


def test_training_batches_are_changed_anew_in_each_pass_and_alike_when_asked_again():
    stage = StageConfig(
        name="s", networks=("covid",), rounds=1, epochs=2, scans_per_batch=1, lobes_per_scan=1, jitter=False,
        augmentation=AugmentationConfig(),
    )  # fmt: skip
    store = MemoryStore([scan_of("a", "covid", slices=1)])

    def images(seed: int) -> list[torch.Tensor]:
        drawn = draw_batches(store.scans(), stage, (seed,))
        return [batch.lobes.images for batch in read_batches(store, drawn, torch.device("cpu"))]

    first, second = images(0)
    assert not torch.equal(first, second)
    assert all(torch.equal(a, b) for a, b in zip(images(0), [first, second], strict=True))
    assert not torch.equal(images(1)[0], first)


def smooth_lobes() -> LobeArrays:
    """A bright square in the middle of a crop, black around the crop."""
    arrays = lobes()
    images = np.zeros_like(arrays.images)
    images[..., 60:200, 60:200] = 400
    images[..., 100:160, 100:160] = 1200
    return LobeArrays(images, arrays.mask, arrays.distance, arrays.semi_infection)


def test_a_kernel_blurs_or_sharpens_edges_and_moves_no_plateau():
    how, before = AugmentationConfig(shift=0, intensity=0.0, kernel=2.0), smooth_lobes()
    slopes = set()
    for seed in range(12):
        after = augment(before, how, generator(seed)).images
        assert after.dtype == np.uint16 and not after[before.images == 0].any()
        assert (after[..., 125:135, 125:135] == 1200).all() and (after[..., 75:85, 75:85] == 400).all()
        edge = after[0, 0, 130, 95:106].astype(int)
        slopes.add(int(np.diff(edge).max()))
    assert min(slopes) < 400 and max(slopes) > 900  # 800 before


def test_noise_has_up_to_the_deviation_asked_for_and_no_mean():
    how, before = AugmentationConfig(shift=0, intensity=0.0, noise=40.0), smooth_lobes()
    deviations = []
    for seed in range(12):
        after = augment(before, how, generator(seed)).images
        assert not after[before.images == 0].any()
        change = after[..., 65:195, 65:195].astype(float) - before.images[..., 65:195, 65:195]
        assert abs(change.mean()) < 0.5
        deviations.append(change.std())
    assert 25 < max(deviations) <= 41 and min(deviations) < 15


def test_without_kernel_and_noise_the_other_draws_are_as_they_were():
    plain = AugmentationConfig(breath=0.15)
    after = augment(lobes(), plain, generator(3)).images
    with_noise = augment(lobes(), plain.model_copy(update={"noise": 1e-6}), generator(3)).images
    np.testing.assert_array_equal(after, with_noise)
