"""2.2 against the literal reference, and the same patient through scanners that differ."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.batch_effect import air_level, remove_batch_effect
from preprocessing.reading.rescaling import hounsfield
from preprocessing.reading.volume import CtVolume
from shared_model.errors import PneumofedError
from tests.reference import preprocessing as reference
from tests.support.chests import chest

HU, LUNGS = chest(6, 96)


def volume_of(hu: NDArray[np.int16], padding: NDArray[np.bool_] | None = None) -> CtVolume:
    padding = np.zeros(hu.shape, np.bool_) if padding is None else padding
    return CtVolume(hu, padding, (6.0, 2.5, 2.5), np.arange(len(hu)) * 6.0, ())


def outside_circle(size: int, share: float = 1) -> NDArray[np.bool_]:
    grid = np.arange(size) - (size - 1) / 2
    return grid[:, None] ** 2 + grid[None, :] ** 2 > (share * size / 2) ** 2


@pytest.mark.parametrize("padded", [False, True])
def test_equals_the_paper_step_by_step(padded: bool) -> None:
    hu, padding = HU.copy(), np.zeros(HU.shape, np.bool_)
    hu[3, 40, 40], hu[3, 41, 44] = 3071, -1024
    if padded:
        padding |= outside_circle(hu.shape[1])
        hu[padding] = -2000
    ours = remove_batch_effect(volume_of(hu, padding))
    assert ours.dtype == np.uint16
    literal = reference.remove_batch_effect(hu, padding) * 2048
    # The median of an even number of voxels may lie between two integers; ours is the lower one.
    assert np.abs(ours - literal).max() <= 0.5
    assert ours.max() > 700


def test_scanners_that_differ_give_equal_images() -> None:
    plain = remove_batch_effect(volume_of(HU)).astype(int)
    circle = np.broadcast_to(outside_circle(HU.shape[1]), HU.shape)
    drifted = (HU + 23).astype(np.int16)
    announced = drifted.copy()
    announced[circle] = -3024
    hidden = (HU - 11).astype(np.int16)
    hidden[circle] = -1024  # no tag says so
    half = hounsfield((HU.astype(int) + 1024) * 2, slope=0.5, intercept=-1024)
    for other, padding in ((drifted, None), (announced, circle), (hidden, None), (half, None)):
        images = remove_batch_effect(volume_of(other, padding)).astype(int)
        inside = LUNGS > 0
        assert np.abs(images - plain)[inside].max() <= 2


def test_air_is_measured_round_the_patient_not_in_the_trachea_or_the_padding() -> None:
    hu = np.full((3, 64, 64), -990, np.int16)
    hu[:, 24:60, 10:54] = 30
    hu[:, 30:50, 20:30] = -850
    hu[:, 40:44, 40:44] = -1010
    hu[:, 1:23, 1:63] = -2000  # more than there is air, and not in the corners
    padding = hu == -2000
    assert air_level(volume_of(hu, padding)) == -990


def test_noise_free_air_is_air_although_constant_in_the_corners() -> None:
    hu, _ = chest(4, 64, noise=0)
    assert air_level(volume_of(hu)) == -1000


def test_noise_free_air_outweighs_the_foam_of_the_table() -> None:
    hu = np.full((4, 96, 96), -1000, np.int16)
    hu[:, 24:76, 8:88] = 40
    hu[:, 30:60, 20:40] = -850
    hu[:, 78:, :] = -940  # foam, as much as a sixth of the image
    hu[1, 78:, :] = -930
    assert air_level(volume_of(hu)) == -1000


@pytest.mark.parametrize("prone", [False, True])
def test_neither_foam_nor_blurred_edges_move_the_air(prone: bool) -> None:
    hu = np.full((4, 128, 128), -1000.0)
    hu[:, 12:90, 6:122] = 40  # little air, most of it near the body
    hu[:, 20:70, 20:50] = -850
    hu[:, 96:] = -940  # foam that the field of view cuts off: more of it than of air
    hu = ndimage.gaussian_filter(hu, (0, 1, 1)) + np.random.default_rng(0).normal(0, 8, hu.shape)
    hu = hu[:, ::-1] if prone else hu
    assert abs(air_level(volume_of(np.rint(hu).astype(np.int16))) + 1000) <= 2


@pytest.mark.parametrize("share", [1.0, 0.92, 1.1])
@pytest.mark.parametrize("value", [-1024, -2000])
def test_padding_that_nothing_announces_is_no_air(share: float, value: int) -> None:
    hu, _ = chest(6, 128)
    plain = air_level(volume_of(hu))
    hu[:, outside_circle(128, share)] = value
    assert abs(air_level(volume_of(hu)) - plain) <= 2


def test_padding_all_round_the_patient_is_no_air_either() -> None:
    hu = np.random.default_rng(0).normal(40, 10, (4, 64, 64)).astype(np.int16)
    hu[:, 20:40, 20:40] = -850
    hu[:, outside_circle(64)] = -1024
    with pytest.raises(PneumofedError) as error:
        air_level(volume_of(hu))
    assert error.value.code == "no-background"


def test_a_scan_without_air_is_refused() -> None:
    hu = np.random.default_rng(0).normal(40, 10, (4, 64, 64)).astype(np.int16)
    hu[:, 20:40, 20:40] = -850
    with pytest.raises(PneumofedError) as error:
        remove_batch_effect(volume_of(hu))
    assert error.value.code == "no-background"
