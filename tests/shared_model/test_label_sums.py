"""Sums that merge: laws, an oracle in floating point, and what cannot be sums."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from shared_model.label_sums import FIGURE_LIMIT, GRID, LabelSums, Sums, scaled

Figures = NDArray[np.float64]
scans = hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(-40, 40))


def sums_of(**figures: Figures) -> LabelSums:
    return LabelSums.of({label: list(rows) for label, rows in figures.items()})


def equal(one: LabelSums, other: LabelSums) -> bool:
    return one.sums.keys() == other.sums.keys() and all(
        (one.sums[label] == other.sums[label]).all() for label in one.sums
    )


@given(scans, st.data())
def test_any_partition_gives_the_same_bits_and_leaving_one_out_is_a_subtraction(
    figures: Figures, data: st.DataObject
) -> None:
    whole = sums_of(covid=figures)
    where = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(figures), max_size=len(figures))))
    parts = [sums_of(covid=figures[where == i]) if (where == i).any() else LabelSums({}) for i in range(4)]
    merged = LabelSums({})
    for i in data.draw(st.permutations(range(4))):
        merged = merged.merge(parts[i])
    assert equal(merged, whole)
    without = whole.without(parts[0])
    assert equal(without, sums_of(covid=figures[where != 0]) if (where != 0).any() else LabelSums({}))


@given(scans)
def test_sums_are_those_of_numpy_to_the_grid(figures: Figures) -> None:
    sums = sums_of(other=figures).sums["other"]
    clipped = np.clip(figures, -FIGURE_LIMIT, FIGURE_LIMIT)
    assert sums[0, 0] == len(figures)
    np.testing.assert_allclose(sums[0, 1:] * GRID, clipped.sum(axis=0), atol=len(figures) * GRID)
    np.testing.assert_allclose(
        sums[1:, 1:] * GRID**2, clipped.T @ clipped, atol=len(figures) * FIGURE_LIMIT * GRID * 2
    )


@given(scans)
def test_what_a_hospital_sends_is_read_again(figures: Figures) -> None:
    sent = sums_of(healthy=figures, covid=figures[:1])
    assert equal(LabelSums.from_arrays(sent.to_arrays(), 3), sent)


def test_classes_are_sums_of_labels() -> None:
    sums = sums_of(covid=np.ones((2, 1)), other=np.full((3, 1), 2.0))
    of_both = sums.of_class(("covid", "other"))
    assert of_both is not None and of_both[0, 0] == 5 and of_both[0, 1] * GRID == 8
    assert sums.of_class(("healthy",)) is None
    assert sums.scans(("covid", "healthy")) == 2


def test_a_figure_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        sums_of(covid=np.array([[np.nan]]))


def good() -> Sums:
    return sums_of(covid=np.array([[1.0, 2.0], [0.5, -3.0]])).sums["covid"]


def changed(change: Callable[[Sums], None]) -> Sums:
    sums = good()
    change(sums)
    return sums


def put(row: int, column: int, value: int) -> Callable[[Sums], None]:
    return lambda sums: sums.__setitem__(([row, column], [column, row]), value)


@pytest.mark.parametrize(
    "sums",
    [
        good().astype(np.float64),
        good()[:2],
        changed(put(0, 0, 0)),
        changed(put(0, 0, -1)),
        changed(put(0, 0, 2**40)),
        changed(put(1, 1, -5)),
        changed(put(1, 1, 2**62)),
        changed(put(0, 1, 2**40)),
        changed(put(1, 2, 2**50)),
        changed(lambda sums: sums.__setitem__((0, 1), 7)),
    ],
)
def test_what_cannot_be_sums_is_refused(sums: NDArray[np.generic]) -> None:
    LabelSums.from_arrays({"covid": good()}, 2)
    with pytest.raises(ValueError):
        LabelSums.from_arrays({"covid": sums}, 2)


def test_only_labels_have_sums() -> None:
    with pytest.raises(ValueError, match="label"):
        LabelSums.from_arrays({"diseased": good()}, 2)


def test_correlations_that_no_scans_have_are_refused() -> None:
    unit = round(1 / GRID)
    sums = np.diag([9, 9 * unit**2, 9 * unit**2, 9 * unit**2])
    sums[1:, 1:] -= 8 * unit**2 * (1 - np.eye(3, dtype=np.int64))
    with pytest.raises(ValueError, match="squares"):
        LabelSums.from_arrays({"covid": sums}, 3)


def test_more_scans_than_sums_are_exact_for_are_refused() -> None:
    most = LabelSums({"covid": np.array([[2**20, 0], [0, 2**20]])})
    with pytest.raises(ValueError, match="at most"):
        most.merge(sums_of(covid=np.ones((1, 1))))


@given(st.integers(1, 2**16), st.integers(0, 9))
def test_scaled_sums_are_those_of_so_many_scans_of_the_same_means(scans: int, seed: int) -> None:
    whole = sums_of(covid=np.random.default_rng(seed).normal(0, 8, size=(7, 3))).sums["covid"]
    found = scaled(whole, scans)
    assert found[0, 0] == scans and (found == found.T).all() and found.dtype == np.int64
    np.testing.assert_allclose(
        found / scans, whole / 7, rtol=0, atol=0.5 / scans + 1e-9 * np.abs(whole).max()
    )
    assert scaled(whole, 7) is whole


def test_scaling_the_largest_sums_does_not_wrap() -> None:
    whole = np.array([[2**16, 0], [0, 2**54]])
    assert scaled(whole, 2**16 - 1)[1, 1] == 2**54 - 2**38
