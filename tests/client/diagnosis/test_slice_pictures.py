"""Pictures: sizes, and that boxes, outlines and colours lie where they must."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.plotting import BOX, CAUTION, OUTLINE, TRUTH
from client.diagnosis.slice_pictures import example_picture, pictures
from client.diagnosis.verdict_text import verdict_words
from preprocessing.reading.refusals import FLAGS
from tests.support.diagnosed_scans import diagnosed, measured_card, observation, two_lungs

# The left panel of a slice picture covers 620 x 620 pixels from (164, 20); a slice here 310 x 310 mm.
TOP, LEFT, PER_MM = 164, 20, 2


def pixels(png: bytes) -> NDArray[np.uint8]:
    """uint8 [row, column, (red, green, blue)]."""
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def of_colour(image: NDArray[np.uint8], colour: str) -> NDArray[np.intp]:
    """(row, column) of the pixels within 12 of `colour`."""
    wanted = 255 * np.array(to_rgb(colour))
    return np.argwhere((np.abs(image - wanted) < 12).all(axis=2))


Found = tuple[Diagnosis, NDArray[np.bool_]]


@pytest.fixture(scope="module")
def infected_scan() -> Found:
    scan = two_lungs(6, (10.0, 1.0, 1.0))
    infected = np.zeros(scan.images.shape, bool)
    infected[3, 150:200, 60:100] = True
    infected[1, 150:152, 60:63] = True  # 6 mm2: counts, but gets no box
    return diagnosed(scan, observation(scan, infected, diseased=2.0, covid=2.0)), infected


@pytest.fixture(scope="module")
def files(infected_scan: Found) -> dict[str, bytes]:
    return pictures(infected_scan[0])


def test_files_and_sizes(files: dict[str, bytes]) -> None:
    assert list(files) == ["overview.png", "slice-01.png", "slice-02.png", "slice-03.png"]
    assert pixels(files["overview.png"]).shape == (164 + 108 + 128, 1350, 3)  # 60 mm high
    assert pixels(files["slice-01.png"]).shape == (840, 1390, 3)


def test_the_red_box_lies_round_the_infection(files: dict[str, bytes]) -> None:
    red = of_colour(pixels(files["slice-01.png"]), BOX)
    # One pixel (mm) of margin round rows 150 .. 200 and columns 60 .. 100, and the line's own width.
    corners = [TOP + PER_MM * 149, LEFT + PER_MM * 59, TOP + PER_MM * 201, LEFT + PER_MM * 101]
    assert np.abs([*red.min(axis=0), *red.max(axis=0)] - np.array(corners)).max() <= 2
    inside = (red > np.array(corners[:2]) + 3).all(axis=1) & (red < np.array(corners[2:]) - 3).all(axis=1)
    assert not inside.any()  # a frame, not a filled box


def test_every_picture_says_what_limits_the_verdict(infected_scan: Found) -> None:
    """A scan of a measured model has no words of caution, one of a flagged series has a line of them."""
    sound = replace(infected_scan[0], scan=replace(infected_scan[0].scan, flags=()), card=measured_card())
    flagged = replace(sound, scan=replace(sound.scan, flags=("lungs-cut-off",)))
    plain = pictures(sound)
    for name, png in pictures(flagged).items():
        words = of_colour(pixels(png)[:TOP], CAUTION)
        assert len(words) > 100
        assert words[:, 0].min() > 36 and words[:, 0].max() < 54  # the first line below the verdict
        assert len(of_colour(pixels(plain[name])[:TOP], CAUTION)) == 0


def test_however_much_limits_the_verdict_it_stays_above_the_scores(infected_scan: Found) -> None:
    every = replace(infected_scan[0], scan=replace(infected_scan[0].scan, flags=tuple(FLAGS)))
    assert "research use only" in verdict_words(every)
    for png in pictures(every).values():
        image = pixels(png)
        words = of_colour(image[:TOP], CAUTION)
        assert words[:, 0].max() < 98 and words[:, 1].min() > image.shape[1] - 720


def test_small_spots_get_no_box_and_healthy_slices_none(files: dict[str, bytes]) -> None:
    for name in ("slice-02.png", "slice-03.png"):
        assert len(of_colour(pixels(files[name]), BOX)) == 0


def test_attention_colours_the_lobes_alone(files: dict[str, bytes]) -> None:
    image = pixels(files["slice-02.png"]).astype(int)
    right = image[TOP : TOP + 620, LEFT + 640 : LEFT + 1260]
    coloured = np.ptp(right, axis=2) > 15
    lobes = np.zeros((620, 620), bool)
    lobes[200:480, 80:280] = lobes[200:480, 340:540] = True
    edge = cv2.dilate(lobes.astype(np.uint8), np.ones((7, 7))) != cv2.erode(
        lobes.astype(np.uint8), np.ones((7, 7))
    )
    assert coloured[lobes & ~edge].mean() > 0.95
    assert not coloured[~lobes & ~edge].any()


def test_equal_scans_give_equal_pictures(infected_scan: Found) -> None:
    assert example_picture(infected_scan[0], None) == example_picture(infected_scan[0], None)


def test_an_example_has_the_truth_in_its_third_panel(infected_scan: Found) -> None:
    diagnosis, infected = infected_scan
    truth = np.roll(infected, 20, axis=1)
    image = pixels(example_picture(diagnosis, truth))
    assert image.shape == (386, 1096, 3)
    green, red = of_colour(image, TRUTH), of_colour(image, BOX)
    scale = 360 / 310
    expected = np.array([26 + 170 * scale, 736 + 60 * scale, 26 + 220 * scale, 736 + 100 * scale])
    assert np.abs([*green.min(axis=0), *green.max(axis=0)] - expected).max() <= 2
    assert red[:, 1].min() > 368 and red[:, 1].max() < 728
    assert pixels(example_picture(diagnosis, None)).shape == (386, 728, 3)


def test_an_example_of_a_missed_infection_shows_where_it_is() -> None:
    scan = two_lungs(6, (10.0, 1.0, 1.0))
    truth = np.zeros(scan.images.shape, bool)
    truth[4, 150:180, 60:100] = True
    image = pixels(example_picture(diagnosed(scan, observation(scan, diseased=-2.0)), truth))
    assert len(of_colour(image, TRUTH)) > 20
    assert len(of_colour(image, OUTLINE)) == 0
