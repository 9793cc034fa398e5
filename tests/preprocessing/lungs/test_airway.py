"""Trachea and main bronchi in a body of known tubes."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.airway import find_airway
from tests.support.chests import ellipse

SIZE, SLICES, SPACING = 80, 30, (5.0, 4.0, 4.0)
BODY = ellipse(SIZE, 0.5, 0.5, 0.36, 0.44)
TRACHEA = ellipse(SIZE, 0.35, 0.5, 0.025, 0.025)  # 16 mm wide
LUNGS = ellipse(SIZE, 0.48, 0.3, 0.2, 0.12) | ellipse(SIZE, 0.48, 0.7, 0.2, 0.12)


def scan(lowest: int) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Images and enclosed air: lungs in slices 4 to 24, a trachea from slice `lowest` to the top."""
    enclosed = np.zeros((SLICES, SIZE, SIZE), np.bool_)
    enclosed[4:25] = LUNGS
    enclosed[lowest:] |= TRACHEA
    images = np.where(enclosed, 150, 1040).astype(np.uint16)
    images[lowest:, TRACHEA] = 10
    return images, enclosed


def airway_of(images: NDArray[np.uint16], enclosed: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    return find_airway(images, enclosed, np.broadcast_to(BODY, images.shape), SPACING)


def test_the_trachea_is_found_down_to_its_last_slice() -> None:
    images, enclosed = scan(12)
    airway, carina = airway_of(images, enclosed)
    assert carina == 12
    np.testing.assert_array_equal(airway[12:], np.broadcast_to(TRACHEA, (SLICES - 12, SIZE, SIZE)))
    assert not airway[:12].any()


def test_bronchi_are_followed_into_the_lungs_as_far_as_they_stay_narrow() -> None:
    images, enclosed = scan(14)
    bronchus = np.zeros_like(TRACHEA)
    bronchus[27:30, 30:43] = True  # a bar from the trachea into the right lung, as dark as the trachea
    enclosed[13] |= bronchus
    images[13, bronchus] = 10
    airway, carina = airway_of(images, enclosed)
    assert carina == 14
    assert airway[13][bronchus].any()
    assert not airway[13][LUNGS & ~bronchus].any()  # the lumen does not leak into lung
    assert not airway[:13].any()


def test_gas_off_the_middle_or_only_in_the_abdomen_is_no_airway() -> None:
    aside = np.roll(TRACHEA, 20, axis=1)
    for place, where in ((aside, np.s_[10:]), (TRACHEA, np.s_[:4])):
        images, enclosed = scan(SLICES)
        enclosed[where] |= place
        images[where] = np.where(place, 10, images[where])
        airway, carina = airway_of(images, enclosed)
        assert (airway.any(), carina) == (False, SLICES)


def test_a_short_tube_is_oesophageal_gas() -> None:
    images, enclosed = scan(27)  # 15 mm
    assert airway_of(images, enclosed)[1] == SLICES


def test_a_lumen_that_grows_suddenly_has_leaked() -> None:
    images, enclosed = scan(14)
    leak = ellipse(SIZE, 0.35, 0.5, 0.1, 0.1)  # as dark as the trachea, and far larger
    enclosed[13] |= leak
    images[13, leak] = 10
    airway, carina = find_airway(images, enclosed, np.broadcast_to(BODY, images.shape), (6.0, 3.0, 3.0))
    assert carina == 14
    assert not airway[:14].any()
