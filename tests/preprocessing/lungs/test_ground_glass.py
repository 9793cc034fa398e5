"""Grey tissue beside lung, drawn with boxes. Pixels of 2 mm; 2-means threshold 500, mean tissue 1000."""

import numpy as np
import pytest

from preprocessing.lungs.ground_glass import add_ground_glass, ground_glass_level

SIZE, SLICES, GRID = 80, 5, (5.0, 2.0, 2.0)
THRESHOLD, TISSUE, LUNG = 500.0, 1000.0, 150
BODY = np.zeros((SLICES, SIZE, SIZE), np.bool_)
BODY[:, 10:70, 5:75] = True
RIGHT, LEFT = np.s_[:, 20:60, 15:35], np.s_[:, 20:60, 45:65]
BESIDE = np.s_[:, 30:50, 35:40]  # 10 mm of the right lung's medial side
LIGHT, EDGE, BRIGHT = 700, 800, 840  # HU -300, -200, -160 if air is 0 and water 1000


def chest() -> tuple[np.ndarray, np.ndarray]:
    images = np.zeros((SLICES, SIZE, SIZE), np.uint16)
    sides = np.zeros(images.shape, np.uint8)
    images[BODY] = TISSUE
    for side, place in ((1, RIGHT), (2, LEFT)):
        images[place], sides[place] = LUNG, side
    return images, sides


def found(
    images: np.ndarray, sides: np.ndarray, enclosed: np.ndarray | None = None, body: np.ndarray = BODY
) -> np.ndarray:
    left = np.broadcast_to(np.arange(SIZE) >= 40, images.shape)
    air = sides > 0 if enclosed is None else enclosed
    return add_ground_glass(images, sides, left, body, air, THRESHOLD, TISSUE, GRID)


def test_the_level_is_65_percent_of_the_way_to_tissue() -> None:
    assert ground_glass_level(THRESHOLD, TISSUE) == 825


@pytest.mark.parametrize(("grey", "added"), [(LIGHT, 1), (BRIGHT, 0)])
def test_grey_tissue_at_a_lung_is_added_to_its_side(grey: int, added: int) -> None:
    images, sides = chest()
    images[BESIDE] = grey
    result = found(images, sides)
    assert (result[:, 31:49, 35:40] == added).all()
    outside = np.ones(sides.shape, np.bool_)
    outside[BESIDE] = False
    np.testing.assert_array_equal(result[outside], sides[outside])


def test_the_left_side_gets_its_label() -> None:
    images, sides = chest()
    images[:, 30:50, 65:70] = LIGHT
    assert (found(images, sides)[:, 31:49, 65:70] == 2).all()


def test_thin_grey_tissue_is_the_blurred_edge_of_a_fissure_or_vessel() -> None:
    images, sides = chest()
    images[:, 40:42, 35:45] = LIGHT  # 4 mm
    assert not found(images, sides)[:, 40:42, 36:44].any()


def test_grey_tissue_off_the_lungs_is_fat() -> None:
    images, sides = chest()
    images[:, 62:68, 20:35] = LIGHT
    np.testing.assert_array_equal(found(images, sides), sides)


def test_grey_outside_the_body_is_none() -> None:
    images, sides = chest()
    images[:, 30:50, 5:15] = LIGHT
    body = BODY.copy()
    body[:, 30:50, :12] = False
    result = found(images, sides, body=body)
    assert not result[:, 30:50, :12].any()
    assert (result[:, 31:49, 12:15] == 1).all()


def test_grey_that_reaches_the_images_edge_is_none() -> None:
    images, sides = chest()
    images[:, 30:50, :15] = LIGHT
    result = found(images, sides, body=np.ones(sides.shape, np.bool_))
    np.testing.assert_array_equal(result, sides)


def test_the_blurred_edge_of_bowel_gas_is_none() -> None:
    images, sides = chest()
    gas = np.zeros(images.shape, np.bool_)
    gas[:, 60:66, 20:30] = True  # touches the lung
    images[gas] = 10
    air = (sides > 0) | gas
    assert not found(images, sides, air)[gas].any()
    images[:, 60:66, 30:33] = LIGHT
    assert not found(images, sides, air)[:, 60:66, 30].any()


def test_nothing_is_added_between_lungs_that_nearly_touch() -> None:
    images, sides = chest()
    images[:, 20:60, 35:45] = LIGHT
    whole = found(images, sides)
    assert (whole[:, 30:50, 36:44] > 0).all()  # 20 mm: each lung's own
    images, sides = chest()
    images[:, 20:60, 35:42], sides[:, 20:60, 35:42] = LUNG, 1
    images[:, 20:60, 42:45] = LIGHT  # 6 mm of blurred pleura
    assert not found(images, sides)[:, 25:55, 43].any()


def through_an_edge(grey: int, above: int, below: int) -> bool:
    """Whether a slab of one slice beside the lung is added, with these grey values above and below it."""
    images, sides = chest()
    for number, value in ((1, below), (2, grey), (3, above)):
        images[number, 30:50, 35:40] = value
        sides[number, 30:50, 35:40] = value == LUNG
    return bool(found(images, sides)[2, 31:49, 35:39].all())


def test_a_slice_through_an_organs_edge_is_no_ground_glass() -> None:
    assert not through_an_edge(EDGE, above=LUNG, below=int(TISSUE))
    assert not through_an_edge(EDGE, above=int(TISSUE), below=LUNG)


def test_what_an_organs_edge_cannot_explain_is_ground_glass() -> None:
    assert through_an_edge(LIGHT, above=LUNG, below=int(TISSUE))  # darker than half tissue
    assert through_an_edge(EDGE, above=LUNG, below=LUNG)
    assert through_an_edge(EDGE, above=EDGE, below=EDGE)


def test_nothing_is_known_of_what_lies_beyond_the_scans_ends() -> None:
    for end, next_to_it in ((0, 1), (SLICES - 1, SLICES - 2)):
        images, sides = chest()
        images[end, 30:50, 35:40] = EDGE
        images[next_to_it, 30:50, 35:40], sides[next_to_it, 30:50, 35:40] = LUNG, 1
        images[-1 - end, 30:50, 35:40] = TISSUE
        assert (found(images, sides)[end, 31:49, 35:39] == 1).all()
