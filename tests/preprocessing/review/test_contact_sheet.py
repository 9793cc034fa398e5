"""Contact sheets, decoded by Pillow: outlines, frames at doubtful slices and nowhere else, size."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from preprocessing.pipeline import SegmentedScan
from preprocessing.review.contact_sheet import (
    COLUMNS,
    DOUBT_COLOUR,
    FRAME,
    LARGE_TILE,
    PLAIN_TILES,
    SMALL_TILE,
    contact_sheet,
    small_sheet,
)
from preprocessing.review.scan_doubts import ScanDoubts, SliceDoubt
from tests.support.segmented_scans import three_lobes

YELLOW = np.array(DOUBT_COLOUR[::-1])


def doubts(slices: int, *doubtful: int) -> ScanDoubts:
    return ScanDoubts(slices, tuple(SliceDoubt(number, "far-from-air", 1.25) for number in doubtful))


def decoded(data: bytes) -> NDArray[np.int64]:
    """Colours as red, green, blue [row, column, 3]."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)


def framed_tiles(sheet: NDArray[np.int64], side: int, tolerance: int = 0) -> list[int]:
    """The places of the tiles that have a frame; a frame is there whole or not at all."""
    rim = np.ones((side, side), np.bool_)
    rim[FRAME:-FRAME, FRAME:-FRAME] = False
    found = []
    for place in range(sheet.shape[0] // side * COLUMNS):
        row, column = (side * index for index in divmod(place, COLUMNS))
        tile = sheet[row : row + side, column : column + side]
        share = (np.abs(tile[rim] - YELLOW).max(axis=1) <= tolerance).mean()
        assert share < 0.05 or share > (0.9 if tolerance else 0.99)
        found += [place] if share > 0.5 else []
    return found


def test_outlines_have_the_colour_of_their_side() -> None:
    sheet = decoded(contact_sheet(three_lobes(), doubts(11)))
    assert sheet.shape[1] == 10 * 192 and 0 < sheet.shape[0] - 2 * 192 < 40  # two rows, and the legend
    red, green, blue = np.moveaxis(sheet, -1, 0)
    right, left = red - blue > 60, green - red > 60
    tile = np.s_[20:192, 192 : 2 * 192]  # slice 1, without its number
    columns = np.arange(192) / 1.5  # the tile shows the image 1.5 times as large
    assert set(np.unique(columns[right[tile].any(axis=0)] // 10)) <= {1, 2, 3, 4}
    assert set(np.unique(columns[left[tile].any(axis=0)] // 10)) <= {5, 6, 7, 8}
    assert right[tile].any() and left[tile].any()
    assert not (right | left)[20:192, :192].any()  # slice 0 has no lobes
    assert not sheet[192 : 2 * 192, 192:].any()  # the second row has one slice
    inside = sheet[60, 192 + 45]
    assert inside.max() - inside.min() == 0  # the lung itself stays as it was


@pytest.mark.parametrize("doubtful", [(), (0,), (3, 10), tuple(range(11))])
def test_frames_are_at_the_doubtful_slices_alone(doubtful: tuple[int, ...]) -> None:
    assert framed_tiles(decoded(contact_sheet(three_lobes(), doubts(11, *doubtful))), LARGE_TILE) == list(
        doubtful
    )


def test_the_reason_is_written_into_the_tile() -> None:
    with_text = decoded(contact_sheet(three_lobes(), doubts(11, 3)))[:192, 3 * 192 : 4 * 192]
    strip = with_text[192 - 20 : 192 - FRAME, FRAME:-FRAME]
    written = np.abs(strip - YELLOW).max(axis=2) < 60
    assert written.sum() > 100  # the text
    assert (strip.max(axis=2) < 40).sum() > written.sum()  # on black


def test_the_small_sheet_has_every_third_of_150_slices_and_all_doubtful_ones() -> None:
    doubtful = (4, 5, 6, 100, 149)
    sheet = decoded(small_sheet(three_lobes(150), doubts(150, *doubtful)))
    shown = sorted({*range(0, 150, 3), *doubtful})
    assert len(shown) - len(doubtful) <= PLAIN_TILES
    assert sheet.shape[0] // SMALL_TILE == -(-len(shown) // COLUMNS)
    expected = [shown.index(number) for number in doubtful]
    assert framed_tiles(sheet, SMALL_TILE, 90) == expected


def test_the_small_sheet_of_few_slices_has_all() -> None:
    sheet = decoded(small_sheet(three_lobes(PLAIN_TILES), doubts(PLAIN_TILES)))
    assert sheet.shape[0] // SMALL_TILE == PLAIN_TILES // COLUMNS


def test_150_noisy_slices_make_a_small_file_also_if_half_are_doubtful() -> None:
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(600, 60, (150, 512, 512)), 0, 2048).astype(np.uint16)  # 60 HU of noise
    images[:, 150:350, 100:400] //= 4
    noisy = SegmentedScan(images, (2.0, 0.7, 0.7), np.arange(150.0), (), ())
    assert len(small_sheet(noisy, doubts(150, *range(0, 150, 2)))) < 400_000
