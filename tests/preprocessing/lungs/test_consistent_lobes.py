"""Method `consistent` where single slices fail: touching lungs, bowel gas, consolidation, truncation."""

import numpy as np

from preprocessing.lungs.lobes import find_lobes
from tests.support.chests import AIR, BONE, LUNG, TISSUE, chest, ellipse
from tests.support.segmentation import SPACING, dice, images_of, sides


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


def test_a_strap_outside_the_body_is_no_rib() -> None:
    """Without other bone there, it would be taken for the rib cage, and the chest wall for airless lung."""
    hu, truth = chest(20)
    hu[8:12, 55:66][truth[8:12, 55:66] == 1] = TISSUE  # some airless lung, so that some is looked for
    columns = np.arange(hu.shape[1])
    strap = ellipse(hu.shape[1], 0.5, 0.5, 0.4, 0.49) & ~ellipse(hu.shape[1], 0.5, 0.5, 0.385, 0.472)
    with_strap = hu.copy()
    with_strap[:, strap & (columns < 0.4 * hu.shape[1])] = BONE
    found, expected = sides(with_strap), sides(hu)
    wall = (truth == 0) & ellipse(hu.shape[1], 0.5, 0.5, 0.36, 0.44)
    assert ((found > 0) & wall).sum() <= 1.05 * ((expected > 0) & wall).sum()
