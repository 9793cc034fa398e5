"""What is no chest is refused, each rule by an input that keeps all others; diseased chests pass."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.chest_check import check_chest
from preprocessing.lungs.lobes import LobeMethod, find_lobes
from preprocessing.pipeline import SegmentedScan, find_scan_lobes
from preprocessing.reading.series import find_series
from shared_model.errors import PneumofedError
from tests.support.chests import chest
from tests.support.drawn_lungs import (
    GAS,
    LUNG,
    SIZE,
    TISSUE,
    Drawn,
    drawn,
    ellipsoid,
    heights,
    lobes_of,
    two_lungs,
)
from tests.support.other_bodies import OTHER_BODIES
from tests.support.segmentation import SPACING, images_of

Z = heights()


def refusal(scan: Drawn) -> str:
    with pytest.raises(PneumofedError) as error:
        check_chest(*scan)
    return f"{error.value.code}: {error.value}"


def narrow(grey: NDArray[np.int_] | int) -> Drawn:
    """Lungs whose lateral parts lie outside a field of view of 216 mm."""
    columns, sides = slice(20, 92), two_lungs(Z)
    _, images, spacing_mm = drawn(sides, grey)
    return lobes_of(sides[:, :, columns]), images[:, :, columns], spacing_mm


def test_whole_lungs_pass_without_flags() -> None:
    assert check_chest(*drawn(two_lungs(Z))) == ()
    assert check_chest(*drawn(two_lungs(heights(low=-123, high=124)))) == ()  # they taper off to the ends


def test_low_lungs_that_are_whole_pass() -> None:
    """Breathed out, or under a high diaphragm: cut off, they would count as two fifths."""
    assert check_chest(*drawn(two_lungs(Z, (45.0, 75.0, 52.0)))) == ()


@pytest.mark.parametrize("slice_mm", [1.0, 3.0, 5.0, 8.0])
def test_cut_lungs_are_flagged_and_less_than_two_fifths_refused(slice_mm: float) -> None:
    def cut(low: float, high: float) -> Drawn:
        return drawn(two_lungs(heights(slice_mm, low, high)), slice_mm=slice_mm)

    assert check_chest(*cut(-140, 20)) == check_chest(*cut(-20, 140)) == ("lungs-cut-off",)
    assert check_chest(*cut(-60, 60)) == ("lungs-cut-off",)
    for low, high in ((-140, -60), (60, 140), (-20, 20)):
        assert refusal(cut(low, high)).startswith("lungs-partly-in-view: about ")


def test_lungs_at_the_edge_of_the_field_of_view_are_flagged() -> None:
    assert check_chest(*narrow(LUNG)) == ("lungs-cut-off",)


GAS_BEFORE_TISSUE = np.where(np.arange(SIZE)[:, np.newaxis] < 66, GAS, LUNG)


def test_gas_with_little_tissue_is_no_lung() -> None:
    assert "inside the body is as dark as outside" in refusal(drawn(two_lungs(Z), GAS_BEFORE_TISSUE))
    assert refusal(drawn(two_lungs(Z), GAS_BEFORE_TISSUE)).startswith("no-lungs: 7")


def test_lung_as_dark_as_outside_at_the_edge_lacks_background() -> None:
    assert refusal(narrow(GAS_BEFORE_TISSUE)).startswith("no-background: 7")


def test_too_few_or_too_small_lungs_are_none() -> None:
    assert refusal(([], drawn(two_lungs(Z))[1], (6.0, 3.0, 3.0))).startswith("no-lungs: 0 lobes")
    assert refusal(drawn(two_lungs(heights(60.0)), slice_mm=60.0)).startswith("no-lungs: 8 lobes")
    doll = drawn(two_lungs(Z), scale=0.3)
    assert "ml of lung tissue" in refusal(doll)
    assert check_chest(*drawn(two_lungs(Z), scale=0.42)) == ()  # a small child, 300 ml


def test_loops_along_both_sides_are_no_lungs() -> None:
    loops = drawn(two_lungs(Z, (130.0, 22.0, 22.0), 110.0))
    assert "of the body's cross-section" in refusal(loops)


def test_one_object_in_the_middle_is_no_lung() -> None:
    middle = ellipsoid(Z, 0.0, (120.0, 60.0, 60.0))
    left = np.arange(SIZE) >= SIZE // 2
    for sides in (middle * (1 + left), middle * np.ones(SIZE)):  # halved, or all of one side
        assert "nothing lies between" in refusal(drawn(sides.astype(np.uint8)))


def test_objects_at_two_heights_are_no_pair() -> None:
    apart = [ellipsoid(Z, aside, (60.0, 60.0, 50.0), up_mm=up) for aside, up in ((-70, -65), (70, 65))]
    assert "above or below" in refusal(drawn(np.where(apart[0], 1, 2 * apart[1]).astype(np.uint8)))


def test_a_missing_lung_is_flagged() -> None:
    sides = two_lungs(Z)
    for side in (1, 2):
        assert check_chest(*drawn(sides * np.uint8(sides == side))) == ("one-lung",)
    sides[sides == 2] = 0  # but for a remnant above the other's top
    sides[ellipsoid(Z, 72.0, (20.0, 30.0, 30.0), up_mm=115)] = 2
    sides[Z > 95] *= np.uint8(2) * (sides[Z > 95] == 2)
    assert check_chest(*drawn(np.minimum(sides, 2))) == ("one-lung",)
    herniated = (sides == 1) | ellipsoid(Z, 0.0, (110.0, 75.0, 60.0))
    herniated[:, 52:, 50:] = False  # after removal of a lung the other crosses the middle, before the heart
    assert check_chest(*drawn(herniated.astype(np.uint8))) == ("one-lung",)


def _white(share: float) -> NDArray[np.int_]:
    """Solid behind, as fluid sinks: `share` of the lungs' depth of 150 mm."""
    return np.where(np.arange(SIZE)[:, np.newaxis] > 81 - 50 * share, TISSUE, LUNG)


DISEASED = {
    "white behind": _white(0.75),
    "white right lung": np.where(np.arange(SIZE) < SIZE // 2, TISSUE, LUNG),
    "white left lung but for its top": np.where(
        (Z[:, None, None] < 60) & (np.arange(SIZE) >= SIZE // 2), TISSUE, LUNG
    ),
    "pneumothorax": np.where(np.arange(SIZE) < SIZE // 2, GAS, LUNG),
    "dense everywhere": np.array(560),
    "emphysema": np.where(np.indices((SIZE, SIZE)).sum(axis=0) // 6 % 5 < 3, 20, 100),
}


@pytest.mark.parametrize("disease", DISEASED)
def test_diseased_lungs_pass(disease: str) -> None:
    assert check_chest(*drawn(two_lungs(Z), DISEASED[disease])) == ()
    upside_down = np.broadcast_to(DISEASED[disease], (len(Z), SIZE, SIZE))[:, ::-1]
    assert check_chest(*drawn(two_lungs(Z), upside_down)) == ()  # the patient lies on the belly


@pytest.mark.parametrize("method", ["consistent", "paper"])
@pytest.mark.parametrize("body", OTHER_BODIES)
def test_other_bodies_are_refused(body: str, method: LobeMethod) -> None:
    images = images_of(OTHER_BODIES[body]())
    scan = (find_lobes(images, SPACING, method=method), images, SPACING)
    assert refusal(scan).split(":")[0] in ("no-lungs", "lungs-partly-in-view")


def test_a_segmented_chest_passes() -> None:
    images = images_of(chest(30)[0])
    assert check_chest(find_lobes(images, SPACING), images, SPACING) == ("lungs-cut-off",)


def test_all_phantoms_pass_without_flags(tiny_hospitals: Path) -> None:
    studies = sorted(tiny_hospitals.glob("*/studies/*"))
    flags = [set(find_scan_lobes(find_series(study).accepted[0]).flags) for study in studies]
    assert len(flags) == 9
    assert not any(found & {"lungs-cut-off", "one-lung"} for found in flags)


def part(scan: SegmentedScan, slices: slice) -> Drawn:
    """The scan's slices `slices`, with their lobes."""
    kept = range(len(scan.images))[slices]
    lobes = [replace(lobe, slice=kept.index(lobe.slice)) for lobe in scan.lobes if lobe.slice in kept]
    return lobes, scan.images[slices], (scan.spacing_mm[0] * kept.step, *scan.spacing_mm[1:])


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["chest-ct", "covid-ct-md/normal", "covid-ct-md/cap"])
def test_real_chests_pass_whole_and_are_flagged_or_refused_in_part(real_data: Path, name: str) -> None:
    scan = find_scan_lobes(find_series(real_data / name).accepted[0])
    assert not {"lungs-cut-off", "one-lung"} & set(scan.flags)
    slices = len(scan.images)
    for step in (2, 4):
        assert check_chest(*part(scan, slice(None, None, step))) == ()
    twelve = check_chest(*part(scan, slice(None, None, slices // 12)))
    assert set(twelve) <= {"lungs-cut-off"}  # an apex can lie in the gap above the last slice
    height = np.unique([lobe.slice for lobe in scan.lobes])
    low, middle, high = (int(place) for place in np.quantile(height, (0.25, 0.5, 0.75)))
    for half in (slice(middle), slice(middle, None), slice(low, high)):
        assert check_chest(*part(scan, half)) == ("lungs-cut-off",)
    for end in (slice(low), slice(high, None)):
        assert refusal(part(scan, end)).startswith("lungs-partly-in-view")


@pytest.mark.real_data
def test_the_real_abdomen_is_refused(real_data: Path) -> None:
    (series,) = find_series(real_data / "not-a-chest" / "abdomen").accepted
    with pytest.raises(PneumofedError, match="use a") as error:
        find_scan_lobes(series)
    assert error.value.code in ("lungs-partly-in-view", "no-lungs")
