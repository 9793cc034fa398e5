"""The figures of a scan against drawn infections of which each figure is known."""

import numpy as np
import pytest

from shared_model.scan_figures import FIGURES, ScanLobes, scan_figures

SLICES = 9
NAMES = [figure.name for figure in FIGURES["infection-map"]]


def scan(*boxes: tuple[int, slice, slice, slice], areas: tuple[int, int] = (100, 100)) -> ScanLobes:
    """Two lungs of 20 x 10 patches in every slice; boxes: (side, slices, rows, columns) that are infected."""
    side = np.tile([0, 1], SLICES)
    in_lobe = np.zeros((2 * SLICES, 32, 32), np.bool_)
    in_lobe[:, 6:26, 11:21] = True
    infection = np.zeros(in_lobe.shape, np.float32)
    for of, slices, rows, columns in boxes:
        infection[of::2][slices, rows, columns] = 0.9
    logits = {"diseased": np.zeros(2 * SLICES, np.float32)}
    slice_index = np.repeat(np.arange(3, 3 + SLICES), 2)
    return ScanLobes(slice_index, side, np.array(areas)[side], logits, infection, in_lobe, 5.0)


def figures(lobes: ScanLobes) -> dict[str, float]:
    return dict(zip(NAMES, scan_figures(lobes, "infection-map"), strict=True))


ALL, ROWS, COLUMNS = slice(None), slice(6, 26), slice(11, 21)


def test_shares_of_both_lungs_and_of_the_lower_third_of_the_less_infected_one() -> None:
    found = figures(scan((0, ALL, slice(6, 16), COLUMNS), (1, slice(0, 3), slice(6, 8), COLUMNS)))
    assert 10 ** found["infected share"] - 0.003 == pytest.approx((0.5 + 0.1 / 3) / 2)
    assert 10 ** found["less infected lung, lower third"] - 0.003 == pytest.approx(0.1)


def test_lobes_count_by_their_areas() -> None:
    found = figures(scan((0, ALL, ROWS, COLUMNS), areas=(300, 100)))
    assert 10 ** found["infected share"] - 0.003 == pytest.approx(0.75)


def test_what_lies_outside_the_lobes_is_not_counted() -> None:
    found = figures(scan((0, ALL, slice(0, 6), ALL), (1, ALL, ALL, slice(21, 32))))
    assert found["infected share"] == pytest.approx(np.log10(0.003))


def test_posterior_is_the_distance_behind_the_middle() -> None:
    front = figures(scan((0, ALL, slice(6, 11), COLUMNS), (1, ALL, slice(6, 11), COLUMNS)))
    back = figures(scan((0, ALL, slice(21, 26), COLUMNS)))
    assert back["posterior"] == pytest.approx((17 / 19 - 0.5) * 0.125 / 0.127)  # rows 15 to 19 of 0 to 19
    assert front["posterior"] == pytest.approx((2 / 19 - 0.5) * 0.25 / 0.252)
    assert figures(scan((0, ALL, ROWS, COLUMNS)))["posterior"] == pytest.approx(0)


def test_small_pieces_are_more_ragged_than_one_large_piece() -> None:
    one = figures(scan((0, slice(0, 1), slice(10, 18), slice(12, 20))))
    assert one["raggedness"] == pytest.approx(16 / (64 + 5))
    pieces = [(0, slice(0, 1), slice(r, r + 1), slice(c, c + 1)) for r in (8, 10, 12) for c in (12, 14)]
    assert figures(scan(*pieces))["raggedness"] == pytest.approx(12 / (6 + 5))


def test_a_scan_without_infection_has_finite_figures_at_their_zero() -> None:
    found = figures(scan())
    assert found == {
        "infected share": pytest.approx(np.log10(0.003)),
        "less infected lung, lower third": pytest.approx(np.log10(0.003)),
        "posterior": 0.0,
        "raggedness": 0.0,
    }


@pytest.mark.parametrize("side", [0, 1])
def test_thirds_of_the_more_and_of_the_less_infected_lung(side: int) -> None:
    lobes = scan(
        (side, slice(0, 3), slice(6, 16), COLUMNS),
        (side, slice(6, 9), ROWS, COLUMNS),
        (1 - side, slice(3, 6), slice(6, 8), COLUMNS),
    )
    shares = 10 ** scan_figures(lobes, "law-free") - 0.003
    np.testing.assert_allclose(shares, [0.5, 0, 1, 0, 0.1, 0], atol=1e-12)


def test_one_lung_or_one_slice_is_enough() -> None:
    lobes = scan((0, slice(0, 1), ROWS, COLUMNS))
    first = ScanLobes(
        lobes.slice_index[:1], lobes.side[:1], lobes.area[:1], {}, lobes.infection[:1], lobes.in_lobe[:1], 5.0
    )
    for name, of_set in FIGURES.items():
        values = scan_figures(first, name)
        assert values.shape == (len(of_set),) and np.isfinite(values).all()


def test_a_map_that_is_not_finite_is_no_healthy_lung() -> None:
    lobes = scan()
    lobes.infection[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        scan_figures(lobes, "law-free")


def test_without_an_infection_map_there_are_no_figures() -> None:
    lobes = scan()
    with pytest.raises(ValueError, match="infection map"):
        scan_figures(
            ScanLobes(lobes.slice_index, lobes.side, lobes.area, {}, None, lobes.in_lobe, 5.0),
            "infection-map",
        )
