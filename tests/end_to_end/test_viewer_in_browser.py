"""The viewer in Chromium: every pixel is where, and as bright as, the scan has it.

Expected greys are computed here from the chest's own HU by the formula of DICOM, PS3.3 C.11.2.1.2.
"""

import base64
import gzip
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from client.diagnosis.viewing_file import open_viewing_file
from tests.support.chests import PIXEL_MM, SLICE_MM
from tests.support.chromium import NEEDS_CHROMIUM, Visitor, chromium
from tests.support.marked_lungs import LESION, marked_chest
from tests.support.oblique_series import AXIAL
from tests.support.viewed_studies import ViewedRoom, add_study, drawn, read_as, viewed_room

pytestmark = NEEDS_CHROMIUM
LUNG, MEDIASTINUM = (-600, 1500), (40, 400)
CYAN, RED = np.array([47, 213, 255]), np.array([255, 59, 48])
SIDES = {number: 1 + number % 2 for number in range(8)}  # of the lesion, by orientation
HU = marked_chest(lesion_side=1)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViewedRoom]:
    folder = tmp_path_factory.mktemp("room")
    for number, side in SIDES.items():
        add_study(folder, f"o{number}", lesion_side=side, orientation=AXIAL[number])
    add_study(folder, "scan", lesion_side=1)
    with viewed_room(folder, blinded=False) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def visitor(browser: Browser, room: ViewedRoom) -> Visitor:
    return read_as(browser, room.address, "/scans/scan")


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """The scan's page opened anew, at slice 5, all loaded, without boxes, and pixels not smoothed."""
    visitor.complaints.clear()
    page = visitor.see("/scans/scan")
    drawn(page, "axial 5")
    page.wait_for_selector("#loaded:empty", state="attached")
    page.uncheck("#smooth")
    page.uncheck('[data-overlay="boxes"]')
    return page


def settled(page: Page) -> None:
    """Wait until the layers that are asked for are loaded and drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_selector('#scan:not([data-drawn$="loading"])')


def greys(hu: NDArray[Any], window: tuple[int, int]) -> NDArray[np.uint8]:
    centre, width = window
    shares = (hu.astype(float) - (centre - 0.5)) / (width - 1) + 0.5
    return np.floor(255 * np.clip(shares, 0, 1) + 0.5).astype(np.uint8)


def canvas(page: Page) -> NDArray[np.uint8]:
    """What the canvas shows after its next frame, uint8 [y, x, RGB]."""
    url = page.evaluate(
        """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
             done(document.getElementById('scan').toDataURL('image/png')))))"""
    )
    data = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def sampled(
    shown: NDArray[np.uint8], shape: tuple[int, int], spacing: tuple[float, float]
) -> NDArray[np.uint8]:
    """The canvas at the middle of each voxel of a plane of `shape`, whole and centred, [row, column, RGB]."""
    (rows, columns), (down, across) = shape, spacing
    height, width = shown.shape[:2]
    scale = min(width / (columns * across), height / (rows * down))
    left, top = (width - columns * across * scale) / 2, (height - rows * down * scale) / 2
    x = np.floor(left + (np.arange(columns) + 0.5) * across * scale).astype(int)
    y = np.floor(top + (np.arange(rows) + 0.5) * down * scale).astype(int)
    return shown[np.ix_(y, x)]


def differing(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> int:
    """How many voxels differ; those under letters and the scale bar are few."""
    if expected.ndim == 2:
        expected = np.repeat(expected[..., np.newaxis], 3, axis=2)
    return int((np.abs(found.astype(int) - expected) > 0).any(axis=2).sum())


PLANES = {  # through the lesion of the right lung: which, its pixels, their size, the letters at its edges
    "axial": (5, HU[5], (PIXEL_MM, PIXEL_MM), "RLAP"),
    "coronal": (60, HU[::-1, 60, :], (SLICE_MM, PIXEL_MM), "RLHF"),
    "sagittal": (30, HU[::-1, :, 30], (SLICE_MM, PIXEL_MM), "APHF"),
}


def show(page: Page, plane: str, index: int) -> None:
    page.click(f"label[for=plane-{plane}]")
    page.evaluate(
        """index => { const slider = document.getElementById('slice'); slider.value = index + 1;
           slider.dispatchEvent(new Event('input')) }""",
        index,
    )
    drawn(page, f"{plane} {index}")


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("preset", ["lung", "mediastinum"])
def test_every_voxel_has_its_grey_and_place(page: Page, plane: str, preset: str) -> None:
    index, hu, spacing, _ = PLANES[plane]
    show(page, plane, index)
    page.click(f'[data-preset="{preset}"]')
    found = sampled(canvas(page), hu.shape, spacing)
    expected = greys(hu, LUNG if preset == "lung" else MEDIASTINUM)
    wrong = differing(found, expected)
    assert wrong < 0.03 * hu.size
    if preset == "lung":  # no picture is symmetric: the comparison can fail
        assert 2 * wrong < min(differing(found[::-1], expected), differing(found[:, ::-1], expected))


def test_known_greys(page: Page) -> None:
    """In the lung window: air, lung, the lesion, tissue. Worked out by hand."""
    shown = sampled(canvas(page), HU[5].shape, (PIXEL_MM, PIXEL_MM))
    places = {(3, 20): 60, (40, 30): 85, (60, 30): 179, (30, 47): 236}
    for (row, column), grey in places.items():
        hu = int(HU[5, row, column])
        by_hand = 255 * ((hu + 600.5) / 1499 + 0.5)
        assert grey == int(by_hand + 0.5), (hu, by_hand)
        assert shown[row, column].tolist() == [grey] * 3
    page.fill("#window-centre", str(LESION))
    page.fill("#window-width", "40")
    page.press("#window-width", "Tab")
    # DICOM's middle is half a unit off: 255 * (0.5 / 39 + 0.5) = 130.8, not 127.5.
    assert sampled(canvas(page), HU[5].shape, (PIXEL_MM, PIXEL_MM))[60, 30].tolist() == [131] * 3


LETTER = """([letters, x, y, align, baseline]) => {
  const seen = document.getElementById('scan');
  const box = [Math.round(x) - 24, Math.round(y) - 24, 48, 48];
  const from = seen.getContext('2d').getImageData(...box).data;
  const score = (letter) => {
    const other = document.createElement('canvas');
    [other.width, other.height] = [seen.width, seen.height];
    const context = other.getContext('2d', { alpha: false });
    context.font = '600 17px system-ui, sans-serif';
    context.textAlign = align; context.textBaseline = baseline;
    context.lineJoin = 'round'; context.lineWidth = 3;
    context.fillStyle = '#808080'; context.fillRect(0, 0, other.width, other.height);
    context.strokeStyle = '#000000'; context.strokeText(letter, x, y);
    context.fillStyle = '#f2f4f5'; context.fillText(letter, x, y);
    const drawn = context.getImageData(...box).data;
    let apart = 0;
    for (let i = 0; i < drawn.length; i += 4) if (drawn[i] !== 128) apart += Math.abs(drawn[i] - from[i]);
    return apart;
  };
  return [...letters].map(letter => [score(letter), letter]).sort((a, b) => a[0] - b[0])[0][1];
}"""


@pytest.mark.parametrize("plane", PLANES)
def test_letters_say_where_the_patient_s_sides_are(page: Page, plane: str) -> None:
    """The letter that is drawn at each edge, by comparison with each letter drawn alone."""
    show(page, plane, PLANES[plane][0])
    shown = canvas(page)
    height, width = shown.shape[:2]
    edges = [
        (12, height / 2, "left", "middle"), (width - 12, height / 2, "right", "middle"),
        (width / 2, 12, "center", "top"), (width / 2, height - 12, "center", "bottom"),
    ]  # fmt: skip
    found = [page.evaluate(LETTER, ["RLAPHF", *edge]) for edge in edges]
    assert "".join(found) == PLANES[plane][3]


@pytest.mark.parametrize("number", range(8))
def test_a_one_sided_lesion_is_on_its_side_in_every_orientation(visitor: Visitor, number: int) -> None:
    """Voxels as bright as the lesion are in one half of the picture, in axial and coronal planes."""
    side = SIDES[number]
    page = visitor.see(f"/scans/o{number}")
    drawn(page, "axial 5")
    page.wait_for_selector("#loaded:empty", state="attached")
    page.uncheck("#smooth")
    page.check('[data-overlay="infection"]')
    settled(page)
    page.fill("#window-centre", str(LESION))
    page.fill("#window-width", "40")
    page.press("#window-width", "Tab")
    hu = marked_chest(side)
    (row,) = np.median(np.nonzero((hu == LESION).any(axis=(0, 2)))[0], keepdims=True).astype(int)
    for plane in ("axial", "coronal"):
        show(page, plane, int(row) if plane == "coronal" else 5)
        shape, spacing = (
            ((12, 96), (SLICE_MM, PIXEL_MM)) if plane == "coronal" else ((96, 96), (PIXEL_MM,) * 2)
        )
        found = sampled(canvas(page), shape, spacing).astype(int)
        blue = (found[..., 2] - found[..., 0]) > 40  # the infection's colour
        expected = (hu[::-1, row] if plane == "coronal" else hu[5]) == LESION
        assert expected.any() and (blue != expected).sum() <= 0.02 * expected.size
        columns = np.nonzero(blue)[1]
        assert (columns < 48).all() if side == 1 else (columns >= 48).all()
    assert page.inner_text("#why table:nth-of-type(2) tr:nth-child(1) td") != "0.0 %" or side == 2


def test_infection_boxes_and_attention_at_their_voxels(page: Page, room: ViewedRoom) -> None:
    shape, spacing = HU[5].shape, (PIXEL_MM, PIXEL_MM)
    grey = np.repeat(greys(HU[5], LUNG)[..., np.newaxis], 3, axis=2).astype(float)
    page.check('[data-overlay="infection"]')
    settled(page)
    lesion = HU[5] == LESION
    expected = grey.copy()
    expected[lesion] = np.floor(grey[lesion] * 0.55 + CYAN * 0.45 + 0.5)
    assert differing(sampled(canvas(page), shape, spacing), expected.astype(np.uint8)) < 0.03 * lesion.size
    page.evaluate("""() => { const s = document.querySelector('[data-opacity="infection"]');
                     s.value = 100; s.dispatchEvent(new Event('input')) }""")
    shown = sampled(canvas(page), shape, spacing)
    assert (shown[lesion] == CYAN).all()
    page.uncheck('[data-overlay="infection"]')
    page.check('[data-overlay="boxes"]')
    check_box(canvas(page), lesion)
    page.uncheck('[data-overlay="boxes"]')
    page.check('[data-overlay="diseased"]')
    settled(page)
    check_attention(sampled(canvas(page), shape, spacing), grey, room)


def check_attention(shown: NDArray[np.uint8], grey: NDArray[np.float64], room: ViewedRoom) -> None:
    """The colour is blended by opacity and attention, which is full at the scan's greatest, 0.9."""
    viewing = open_viewing_file(room.room.study("scan").results)
    stored = np.frombuffer(gzip.decompress(viewing.gzipped("attention/diseased", 5)), np.uint8)
    share = np.minimum(1, stored.reshape(96, 96, 1) / (255 * 0.9))
    colour = np.concatenate([np.full_like(share, 255), 90 + 150 * share, 40 * share], axis=2)
    expected = grey * (1 - 0.6 * share) + colour * 0.6 * share
    wrong = (np.abs(shown - expected) > 1.5).any(axis=2)
    assert (share > 0).any() and wrong.sum() < 0.03 * wrong.size
    assert not wrong[20:70, 20:80].any()


def check_box(shown: NDArray[np.uint8], lesion: NDArray[np.bool_]) -> None:
    """Red lines are just outside the lesion's box."""
    height, width = shown.shape[:2]
    scale = min(width, height) / 96
    red = (shown.astype(int) - RED == 0).all(axis=2)
    y, x = np.nonzero(red)
    rows, columns = np.nonzero(lesion)
    left, top = (width - 96 * scale) / 2, (height - 96 * scale) / 2
    edges = [x.min(), x.max() + 1, y.min(), y.max() + 1]
    expected = [
        left + columns.min() * scale, left + (columns.max() + 1) * scale,
        top + rows.min() * scale, top + (rows.max() + 1) * scale,
    ]  # fmt: skip
    np.testing.assert_allclose(edges, expected, atol=3)


def test_the_scale_bar_is_as_long_as_it_says(page: Page) -> None:
    words, length = page.get_attribute("#scan", "data-bar").split(" mm ")  # type: ignore[union-attr]
    shown = canvas(page)
    height, width = shown.shape[:2]
    pixels = float(length.removesuffix(" px"))
    assert pixels == pytest.approx(float(words) * min(width, height) / (96 * PIXEL_MM), abs=0.1)
    row = shown[height - 24].astype(int).min(axis=1)
    run = np.flatnonzero(row[width - 24 - round(pixels) - 4 :] > 200)
    assert run[-1] - run[0] + 1 == pytest.approx(pixels, abs=3)
