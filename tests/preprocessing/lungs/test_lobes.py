"""The lobes: `paper` against 2.3 word for word, `consistent` where single slices fail."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.lungs.lobes import LobeMethod, find_lobes
from preprocessing.lungs.paper_lobes import paper_lungs
from preprocessing.reading.volume import CtVolume
from tests.reference import preprocessing as reference
from tests.support.chests import AIR, LUNG, PIXEL_MM, SLICE_MM, TISSUE, chest, ellipse

SPACING = (SLICE_MM, PIXEL_MM, PIXEL_MM)


def images_of(hu: NDArray[np.int16]) -> NDArray[np.uint16]:
    volume = CtVolume(hu, np.zeros(hu.shape, np.bool_), SPACING, np.arange(len(hu)) * SLICE_MM, ())
    return remove_batch_effect(volume)


def sides(hu: NDArray[np.int16], method: LobeMethod = "consistent") -> NDArray[np.uint8]:
    found = np.zeros(hu.shape, np.uint8)
    for lobe in find_lobes(images_of(hu), SPACING, method=method):
        row0, column0, row1, column1 = lobe.box
        found[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
    return found


def dice(found: NDArray[np.uint8], truth: NDArray[np.uint8], side: int) -> float:
    ours, theirs = found == side, truth == side
    return float(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))


def test_paper_equals_2_3_word_for_word() -> None:
    images = images_of(chest(5, 128)[0])
    ours = paper_lungs(images)
    for image, found in zip(images, ours, strict=True):
        np.testing.assert_array_equal(found, reference.lobes_of_slice(image))
    assert {1, 2} <= set(np.unique(ours))


@pytest.mark.real_data
def test_paper_on_real_slices_equals_2_3(real_data: Path) -> None:
    from preprocessing.reading.series import find_series
    from preprocessing.reading.volume import load_volume

    volume = load_volume(find_series(real_data / "chest-ct").accepted[0])
    few = np.s_[30:90:29]
    volume = CtVolume(volume.hu[few], volume.padding[few], volume.spacing_mm, volume.z_mm[few], ())
    images = remove_batch_effect(volume)
    for image, found in zip(images, paper_lungs(images), strict=True):
        literal = reference.lobes_of_slice(image)
        assert ((found > 0) & (found == literal)).sum() >= 0.999 * ((found > 0) | (literal > 0)).sum()


def test_lobes_are_sorted_and_fill_their_boxes() -> None:
    hu, truth = chest()
    lobes = find_lobes(images_of(hu), SPACING)
    assert [(lobe.slice, lobe.side) for lobe in lobes] == [
        (i, side) for i in range(len(hu)) for side in (0, 1)
    ]
    for lobe in lobes:
        assert lobe.mask.shape == (lobe.box[2] - lobe.box[0], lobe.box[3] - lobe.box[1])
        assert all(lobe.mask.any(axis=axis)[[0, -1]].all() for axis in (0, 1))
        assert lobe.area == lobe.mask.sum()
    found = sides(hu)
    assert min(dice(found, truth, side) for side in (1, 2)) > 0.98


def test_the_trachea_is_no_lung() -> None:
    hu, _ = chest()
    trachea = ellipse(hu.shape[1], 0.35, 0.5, 0.025, 0.025)
    assert not sides(hu)[:, trachea].any()


def test_lungs_that_touch_are_two() -> None:
    hu, truth = chest()
    bridge = ellipse(hu.shape[1], 0.5, 0.5, 0.04, 0.14)
    hu[4:9, bridge] = LUNG + 20
    found = sides(hu)
    for number in range(4, 9):
        assert {1, 2} <= set(np.unique(found[number]))
    columns = np.arange(hu.shape[2])
    assert not found[:, :, columns < 54][found[:, :, columns < 54] == 2].any()
    assert min(dice(found, truth, side) for side in (1, 2)) > 0.95


def test_bowel_gas_below_a_thin_diaphragm_is_no_lung() -> None:
    hu, truth = chest(18)
    gas = ellipse(hu.shape[1], 0.4, 0.68, 0.09, 0.08)
    hu[:4, truth[4] > 0] = TISSUE
    hu[:4][truth[:4] > 0] = TISSUE
    hu[:4, gas] = AIR
    found = sides(hu)
    assert not found[:4].any()
    assert (found[4:] == 2).any(axis=(1, 2)).all()


def test_consolidation_stays_in_its_lobe() -> None:
    hu, truth = chest()
    healthy = {(lobe.slice, lobe.side): lobe.box for lobe in find_lobes(images_of(hu), SPACING)}
    ill = hu.copy()
    lesion = ellipse(hu.shape[1], 0.55, 0.2, 0.05, 0.05) & (truth == 1)
    ill[lesion] = TISSUE - 10
    found = sides(ill)
    assert (found[lesion] == 1).mean() > 0.7  # all but what bulges beyond the convex hull
    for lobe in find_lobes(images_of(ill), SPACING):
        assert np.abs(np.subtract(lobe.box, healthy[lobe.slice, lobe.side])).max() <= 4


def test_ground_glass_belongs_to_the_lobe() -> None:
    hu, truth = chest()
    lesion = ellipse(hu.shape[1], 0.6, 0.7, 0.16, 0.2) & (truth == 2)
    hu[lesion] = -430
    assert (sides(hu)[lesion] == 2).mean() > 0.95


def test_all_of_a_lungs_back_without_air_stays_lung() -> None:
    hu, truth = chest(20)
    rows = np.arange(hu.shape[1])[:, np.newaxis]
    lesion = (truth == 1) & (rows > 0.5 * hu.shape[1])
    lesion[:6] = lesion[14:] = False
    hu[lesion] = TISSUE
    found = sides(hu)
    assert (found[lesion] == 1).mean() > 0.75
    assert min(dice(found, truth, side) for side in (1, 2)) > 0.96


def test_a_lung_without_any_air_takes_nothing_of_the_other() -> None:
    hu, truth = chest()
    hu[truth == 1] = TISSUE
    found = sides(hu)
    assert dice(found, truth, 2) > 0.97
    assert not (found[truth == 2] == 1).any()


def test_a_dome_below_the_lung_is_no_lung() -> None:
    hu, truth = chest(20)
    size = hu.shape[1]
    for number in range(8):
        dome = ellipse(size, 0.48, 0.3, 0.2 * np.sqrt(1 - number / 8), 0.1 * np.sqrt(1 - number / 8))
        hu[number, dome], truth[number, dome] = TISSUE + 20, 0
        core = ellipse(size, 0.48, 0.3, 0.1 * np.sqrt(1 - number / 8), 0.05 * np.sqrt(1 - number / 8))
        hu[number, core] = TISSUE + 20
    found = sides(hu)
    organ = (truth == 0) & (hu > TISSUE - 60)
    assert (found[organ] > 0).mean() < 0.02
    assert dice(found, truth, 1) > 0.93


def test_a_lung_that_the_field_of_view_cuts_off_stays() -> None:
    hu, truth = chest()
    cut = np.s_[:, :, 30:]  # through the right lung
    found = sides(np.ascontiguousarray(hu[cut]))
    assert min(dice(found, truth[cut], side) for side in (1, 2)) > 0.95


def test_foam_under_the_table_is_no_lung() -> None:
    hu, truth = chest()
    rows, columns = np.indices(hu.shape[1:]) / hu.shape[1]
    shell = (rows > 0.88) & (rows < 0.99) & (np.abs(columns - 0.5) < 0.45)
    foam = (rows > 0.9) & (rows < 0.97) & (np.abs(columns - 0.5) < 0.43)
    hu[:, shell], hu[:, foam] = TISSUE, LUNG
    found = sides(hu)
    assert not found[:, shell].any()
    assert min(dice(found, truth, side) for side in (1, 2)) > 0.98


def test_a_pillow_that_the_field_of_view_cuts_off_is_no_lung() -> None:
    hu, truth = chest()
    hu[:, :24, 54:74] = TISSUE  # the chin: the pillow lies within the body's hull
    pillow = (hu[0] < -500) & (np.arange(hu.shape[1]) < 40)[:, np.newaxis] & (truth.max(axis=0) == 0)
    pillow &= ~ellipse(hu.shape[1], 0.5, 0.5, 0.36, 0.44)
    hu[:, pillow] = LUNG
    found = sides(hu)
    assert not found[:, pillow].any()
    assert min(dice(found, truth, side) for side in (1, 2)) > 0.98


def test_a_turned_patient_has_turned_lungs() -> None:
    hu, _ = chest()
    found = sides(hu)
    mirrored = sides(np.ascontiguousarray(hu[:, :, ::-1]))[:, :, ::-1]
    swapped = np.array([0, 2, 1], np.uint8)[mirrored]
    assert (found != swapped).mean() < 0.001


@pytest.mark.parametrize("method", ["consistent", "paper"])
@pytest.mark.parametrize("level", [0, 1000, 2048])
def test_a_scan_without_lungs_has_no_lobes(level: int, method: LobeMethod) -> None:
    assert find_lobes(np.full((4, 64, 64), level, np.uint16), SPACING, method=method) == []


def test_phantoms_of_all_kinds(tmp_path: Path) -> None:
    from preprocessing.phantom.hospital import make_hospitals
    from preprocessing.pipeline import find_scan_lobes
    from preprocessing.reading.series import find_series

    scores = []
    for hospital in make_hospitals("tiny", tmp_path, scans=None, seed=4)[:2]:
        for study in sorted((hospital.folder / "studies").iterdir()):
            with np.load(hospital.folder / "truth" / f"{study.name}.npz") as truth:
                lungs = truth["lungs"]
            found = np.zeros(lungs.shape, np.uint8)
            for lobe in find_scan_lobes(find_series(study).accepted[0]).lobes:
                row0, column0, row1, column1 = lobe.box
                found[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
            scores += [dice(found, lungs, side) for side in (1, 2)]
            swapped = ((found == 1) & (lungs == 2)) | ((found == 2) & (lungs == 1))
            assert swapped.sum() < 0.005 * (lungs > 0).sum()
    # Pixels of 2.9 mm and slices of 18 mm: a third of a lung's voxels lie on its edge.
    assert min(scores) > 0.88
    assert np.mean(scores) > 0.94


@pytest.mark.real_data
def test_both_lungs_of_the_real_scan(real_data: Path) -> None:
    from preprocessing.pipeline import find_scan_lobes
    from preprocessing.reading.series import find_series

    lobes = find_scan_lobes(find_series(real_data / "chest-ct").accepted[0]).lobes
    found = {(lobe.slice, lobe.side) for lobe in lobes}
    assert {(number, side) for number in range(20, 85) for side in (0, 1)} <= found
    assert min(number for number, _ in found) >= 3  # below, there is bowel gas only
    assert max(number for number, _ in found) <= 92  # above, there is the trachea only
    middle = {lobe.side: lobe.box for lobe in lobes if lobe.slice == 60}
    assert middle[0][3] <= middle[1][3] and middle[0][1] < middle[1][1]
