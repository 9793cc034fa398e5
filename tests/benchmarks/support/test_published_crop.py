"""benchmarks/support/published_crop.py: lungs are found and brought to a common size and grey scale."""

import cv2
import numpy as np
import pytest

from benchmarks.support.published_crop import LUNG, TISSUE, chest_crop, lungs_box, lungs_of, without_margins
from tests.support.published_images import chest


def test_the_box_is_that_of_the_lungs_with_a_rim() -> None:
    row0, column0, row1, column1 = lungs_box(chest())
    # lungs: rows 60 to 240, columns 68 to 332; the rim is 4 % of that
    assert (row0, row1) == (pytest.approx(60 - 7, abs=3), pytest.approx(240 + 7, abs=3))
    assert (column0, column1) == (pytest.approx(68 - 11, abs=3), pytest.approx(332 + 11, abs=3))


def test_air_between_patient_and_table_is_no_lung() -> None:
    picture = chest()
    picture[270:, :] = 200  # the table, that reaches the corners
    picture[275:290, 40:360] = 10
    assert lungs_box(picture) == pytest.approx(lungs_box(chest()), abs=2)


def test_lungs_are_found_in_a_mediastinal_and_in_a_pale_window() -> None:
    rows, columns = np.mgrid[:300, :400]
    body = ((columns - 200) / 180) ** 2 + ((rows - 150) / 135) ** 2 < 1
    lungs = (chest() == 60) | ((chest() == 210) & body)
    mediastinal = np.where(lungs | ~body, 0, 70).astype(np.uint8)
    cv2.ellipse(mediastinal, (200, 150), (30, 60), 0, 0, 360, 240, -1)
    cv2.ellipse(mediastinal, (200, 40), (80, 15), 0, 0, 360, 240, -1)
    pale = np.where(~body, 0, np.where(lungs, 170, 240)).astype(np.uint8)
    for picture in (mediastinal, pale):
        assert lungs_box(picture) == pytest.approx(lungs_box(chest()), abs=4)


def test_a_picture_without_lungs_is_kept_whole() -> None:
    flat = np.full((90, 70), 128, np.uint8)
    assert lungs_box(flat) == (0, 0, 90, 70)
    assert not lungs_of(chest_crop(flat)).any()
    assert without_margins(flat).shape == (90, 70)
    assert chest_crop(flat).shape == (256, 256)


def test_lungs_of_a_crop_hold_their_lesions_and_not_the_heart() -> None:
    picture = chest()
    row, column = 210, 103  # the lower edge of the left one, where a lesion shall reach the pleura
    cv2.circle(picture, (column, row), 18, 190, -1)
    row0, column0, row1, column1 = lungs_box(picture)
    drawn = np.zeros(picture.shape, np.uint8)
    for x in (120, 280):
        cv2.ellipse(drawn, (x, 150), (52, 90), 0, 0, 360, 1, -1)
    truth = cv2.resize(drawn[row0:row1, column0:column1], (256, 256), interpolation=cv2.INTER_NEAREST) > 0
    found = lungs_of(chest_crop(picture))
    assert 2 * (truth & found).sum() / (truth.sum() + found.sum()) > 0.95
    lesion = np.zeros(picture.shape, np.uint8)
    cv2.circle(lesion, (column, row), 15, 1, -1)
    lesion = cv2.resize((lesion & drawn)[row0:row1, column0:column1], (256, 256)) > 0
    assert found[lesion].mean() > 0.9


def test_margins_window_and_size_hardly_change_the_crop() -> None:
    plain = chest_crop(chest()).astype(int)
    published = np.pad(
        (chest(450, 500) * 0.6 + 40).astype(np.uint8), ((30, 0), (15, 60)), constant_values=255
    )
    other = chest_crop(published).astype(int)
    assert np.median(plain[plain < 100]) == LUNG and np.median(plain[plain > 150]) == TISSUE
    assert np.abs(plain - other).mean() < 6
    assert (np.abs(plain - other) < 10).mean() > 0.93
