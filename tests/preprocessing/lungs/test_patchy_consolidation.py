"""Islands of air in airless lung: what they hold between them is lung, what other gas does is not."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.consistent_lobes import consistent_lungs
from preprocessing.lungs.patchy_consolidation import non_lung_gas, patchy_consolidation
from tests.support.chests import ellipse
from tests.support.lung_shapes import LUNG, SIZE, SLICES, SPACING, TISSUE, dome, ribs

LEVEL, GROUND_GLASS, FAT, GAS = 830, 600, 920, 20
EVERYWHERE = np.ones((SLICES, SIZE, SIZE), np.bool_)


def islands(of: NDArray[np.bool_], *, every: int = 10) -> NDArray[np.bool_]:
    """Squares of 6 mm in it, one in every so many pixels of 2 mm, bool [slice, row, column]."""
    rows, columns = np.indices((SIZE, SIZE))
    return of & (rows % every < 3) & (columns % every < 3)


def half_airless() -> tuple[NDArray[np.uint16], NDArray[np.bool_], NDArray[np.bool_]]:
    """A lung on a dome, without air in a third of it: the images, the lung that is seen, and the rest."""
    lung, _ = dome()
    airless = lung.copy()
    airless[:16] = airless[30:] = False
    airless[:, :, :70] = False
    images = np.where(lung & ~airless, LUNG, TISSUE).astype(np.uint16)
    return images, lung & ~airless, airless


def test_what_lies_between_islands_of_air_is_lung() -> None:
    images, seen, airless = half_airless()
    images[islands(airless)] = GROUND_GLASS
    held = patchy_consolidation(images, seen, EVERYWHERE, LEVEL, SPACING)
    assert held[airless].mean() > 0.8
    assert held[~airless].sum() < 0.01 * airless.sum()


def test_tissue_without_air_and_fat_in_it_are_not_taken() -> None:
    images, seen, airless = half_airless()
    assert not patchy_consolidation(images, seen, EVERYWHERE, LEVEL, SPACING).any()
    images[islands(airless)] = FAT
    assert not patchy_consolidation(images, seen, EVERYWHERE, LEVEL, SPACING).any()


def test_islands_far_apart_hold_nothing_between_them() -> None:
    images, seen, airless = half_airless()
    near = airless & ellipse(SIZE, 0.5, 0.55, 0.02, 0.02)  # 30 mm off the lung that is seen
    images[near] = GROUND_GLASS
    held = patchy_consolidation(images, seen, EVERYWHERE, LEVEL, SPACING)
    assert held[20, 80, 75]
    images[near] = TISSUE
    images[np.roll(near, 40, axis=2)] = GROUND_GLASS  # 110 mm
    held = patchy_consolidation(images, seen, EVERYWHERE, LEVEL, SPACING)
    assert not held[:, :, :115].any()


def test_the_blurred_edge_of_the_lung_is_no_island() -> None:
    lung, _ = dome()
    bay = lung.copy()
    bay[:, :70] = bay[:, 91:] = bay[:, :, :50] = False  # 42 mm wide, more than closing bridges
    seen = lung & ~bay
    images = np.where(seen, LUNG, TISSUE).astype(np.uint16)
    edge = bay.copy()
    edge[:, 71:90] = False  # 2 mm on either side of it
    images[edge] = GROUND_GLASS
    assert not patchy_consolidation(images, seen, EVERYWHERE, LEVEL, SPACING).any()


def test_islands_count_in_their_place_alone() -> None:
    images, seen, airless = half_airless()
    images[islands(airless)] = GROUND_GLASS
    place = EVERYWHERE.copy()
    place[:, 70:90] = False
    held = patchy_consolidation(images, seen, place, LEVEL, SPACING)
    assert held.any()
    assert not held[:, 70:90].any()


def test_noise_of_the_heart_is_no_air() -> None:
    images, seen, _ = half_airless()
    noise = np.random.default_rng(0).normal(0, 90, images.shape)
    noisy = np.clip(images + noise, 0, 2048).astype(np.uint16)
    assert not patchy_consolidation(noisy, seen, EVERYWHERE, LEVEL, SPACING).any()


def test_other_gas_is_wide_and_dark_or_the_airways() -> None:
    images = np.full((1, SIZE, SIZE), TISSUE, np.uint16)
    sides = np.zeros(images.shape, np.uint8)
    sides[0, 40:120, 110:140] = 2
    images[sides > 0] = LUNG
    places = {
        name: np.zeros(images.shape, np.bool_) for name in ("gullet", "bronchus", "rest of lung", "airway")
    }
    places["gullet"][0, 20:30, 40:50] = True  # 20 mm wide
    places["bronchus"][0, 60:64, 40:44] = True  # 8 mm
    places["rest of lung"][0, 90:100, 40:50] = True
    places["airway"][0, 130:134, 40:44] = True
    for name, grey in (("gullet", GAS), ("bronchus", GAS), ("rest of lung", LUNG), ("airway", GAS)):
        images[places[name]] = grey
    inside = (sides > 0) | np.logical_or.reduce(list(places.values()))
    other = non_lung_gas(images, sides, inside, places["airway"], SPACING)
    taken = {name: other[place].mean() for name, place in places.items()}
    assert taken == {"gullet": 1, "bronchus": 0, "rest of lung": 0, "airway": 1}
    assert other[0, 25, 53] and not other[0, 25, 56]  # the wall: 8 mm
    assert not other[sides > 0].any()


def test_a_lobe_beside_the_heart_with_islands_of_air_stays_lung() -> None:
    images, sides = ribs()
    lobe = sides == 2
    lobe[:8] = lobe[28:] = False
    lobe[:, 80:] = lobe[:, :, 120:] = False
    images[lobe] = TISSUE
    images[islands(lobe, every=8)] = GROUND_GLASS
    found = consistent_lungs(images, SPACING)
    assert (found[lobe] == 2).mean() > 0.9
    assert ((found > 0) & (sides == 0)).sum() < 0.03 * (sides > 0).sum()


def test_gas_in_a_hernia_beside_the_heart_takes_no_heart() -> None:
    images, sides = ribs()
    heart = ellipse(SIZE, 0.45, 0.62, 0.13, 0.13) & (sides[0] == 2)
    images[:, ellipse(SIZE, 0.35, 0.5, 0.03, 0.03)] = GAS  # the trachea
    images[4:16, heart] = TISSUE
    images[4:16, ellipse(SIZE, 0.47, 0.64, 0.05, 0.05)] = GAS
    assert not consistent_lungs(images, SPACING)[4:16, heart].any()
