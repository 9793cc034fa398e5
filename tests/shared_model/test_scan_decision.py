"""Eq. 2, and the mean over a share of the lobes, against a literal version and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_model.scan_decision import scan_logit, slab_logits
from tests.reference import scan as literal

lobes = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 1)),
    st.floats(-8, 8, allow_nan=False),
    min_size=1,
    max_size=26,
)


@given(lobes)
def test_scan_logit_is_eq_2(logits: dict[tuple[int, int], float]) -> None:
    slices, sides = np.array(list(logits)).T
    ours = scan_logit(np.array(list(logits.values())), slices, sides)
    expected = literal.scan_probability({k: 1 / (1 + np.exp(-v)) for k, v in logits.items()})
    assert 1 / (1 + np.exp(-ours)) == pytest.approx(expected, abs=1e-12)


def test_one_diseased_slice_alone_is_softened_by_its_neighbours() -> None:
    logits, slices, sides = np.array([-3.0, 5.0, -2.0]), np.array([4, 5, 6]), np.array([1, 1, 1])
    assert scan_logit(logits, slices, sides) == -2.0
    assert scan_logit(np.array([5.0, 5.0]), np.array([4, 5]), np.array([0, 1])) == -np.inf


@given(lobes, st.integers(0, 10))
def test_a_share_of_the_lobes_tells_the_scan_by_their_mean(logits, tenths: int) -> None:
    slices, sides = np.array(list(logits)).T
    ours = scan_logit(np.array(list(logits.values())), slices, sides, tenths / 10)
    softened = literal.softened({k: 1 / (1 + np.exp(-v)) for k, v in logits.items()})
    with_neighbour = sorted((np.log(p / (1 - p)) for p in softened if p > 0), reverse=True)
    count = len(with_neighbour)
    if not count:
        assert ours == -np.inf
        return
    taken = max(1, -(-tenths * count // 10))  # rounded up
    assert ours == pytest.approx(sum(with_neighbour[:taken]) / taken, abs=1e-9)


def test_half_of_the_lobes_by_hand() -> None:
    """Softened: 1, 1, -2, -2 on one side; nothing on the other, whose lobes have no neighbour."""
    logits, slices = np.array([1.0, 3.0, -2.0, -2.0, 9.0, 9.0]), np.array([1, 2, 3, 4, 1, 3])
    sides = np.array([0, 0, 0, 0, 1, 1])
    assert [scan_logit(logits, slices, sides, share) for share in (0, 0.5, 0.6, 1)] == [1, 1, 0, -0.5]


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_lobe_that_is_no_number_is_not_passed_over(share: float) -> None:
    logits, slices, sides = np.array([1.0, np.nan, 2.0, 3.0]), np.array([1, 2, 3, 4]), np.zeros(4, int)
    assert np.isnan(scan_logit(logits, slices, sides, share))


def test_slabs_are_means_of_a_side_s_slices() -> None:
    slices = np.array([3, 3, 4, 4, 5, 6, 8])
    sides = np.array([0, 1, 0, 1, 0, 0, 1])
    logits, slabs, of = slab_logits(np.array([1.0, 5, 3, 7, 10, 20, 4]), slices, sides, 2)
    assert list(zip(logits, slabs, of, strict=True)) == [(2, 0, 0), (6, 0, 1), (15, 1, 0), (4, 2, 1)]
    order = np.random.default_rng(0).permutation(7)
    again = slab_logits(np.array([1.0, 5, 3, 7, 10, 20, 4])[order], slices[order], sides[order], 2)
    np.testing.assert_array_equal(again[0], logits)


def test_the_maximum_grows_with_the_number_of_slices_and_not_with_that_of_slabs() -> None:
    """A healthy lung of 240 mm in slices of 8 mm and of 1 mm: the lobes' logits are -2 with noise of 1."""
    rng = np.random.default_rng(1)

    def scans(slice_mm: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        slices = 240 // slice_mm
        places = np.repeat(np.arange(slices), 2), np.tile([0, 1], slices)
        return [(rng.normal(-2, 1, 2 * slices), *places) for _ in range(200)]

    thick, thin = scans(8), scans(1)
    maxima = {
        "8 mm": np.mean([scan_logit(*scan) for scan in thick]),
        "1 mm": np.mean([scan_logit(*scan) for scan in thin]),
        "slabs": np.mean([scan_logit(*slab_logits(*scan, 8)) for scan in thin]),
    }
    assert maxima["1 mm"] > maxima["8 mm"] + 0.5  # as if the odds of disease were more than half higher
    assert maxima["slabs"] < maxima["8 mm"]  # less noise, as many slabs as thick slices
