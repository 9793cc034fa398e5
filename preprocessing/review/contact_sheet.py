"""The contact sheet of a scan: its slices side by side with lobe outlines, doubtful ones framed."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.pipeline import SegmentedScan
from preprocessing.review.scan_doubts import ScanDoubts

Picture = NDArray[np.uint8]  # [row, column, 3], BGR
Colour = tuple[int, int, int]

LARGE_TILE, SMALL_TILE = 192, 128  # pixels
COLUMNS = 10
PLAIN_TILES = 60  # the most slices without a doubt on a small sheet
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 50)
_WHITE = 1400  # grey value displayed as white
_SIDE_COLOURS: tuple[Colour, Colour] = (80, 160, 255), (120, 230, 120)  # orange, green
# Yellow is the brightest colour of the sheet to everyone, also to those who do not tell orange from green.
DOUBT_COLOUR: Colour = (0, 240, 255)
FRAME = 3  # pixels
_TEXT_COLOUR: Colour = (220, 220, 220)
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.36
_LINE = 13  # rows of pixels of a line of text


def contact_sheet(scan: SegmentedScan, doubts: ScanDoubts) -> bytes:
    """PNG of all slices of a scan, feet first, with lobe outlines and doubts."""
    return _encode(".png", _sheet(scan, doubts, range(len(scan.images)), LARGE_TILE))


def small_sheet(scan: SegmentedScan, doubts: ScanDoubts) -> bytes:
    """JPEG of at most PLAIN_TILES evenly spaced slices and of all doubtful ones, feet first."""
    every = -(-len(scan.images) // PLAIN_TILES)
    shown = sorted({*range(0, len(scan.images), every), *doubts.doubtful_slices})
    return _encode(".jpg", _sheet(scan, doubts, shown, SMALL_TILE), _JPEG)


def _encode(kind: str, sheet: Picture, options: Sequence[int] = ()) -> bytes:
    _, encoded = cv2.imencode(kind, sheet, options)
    return encoded.tobytes()


def _sheet(scan: SegmentedScan, doubts: ScanDoubts, shown: Sequence[int], side: int) -> Picture:
    """Tiles of the slices `shown`, COLUMNS in a row, above the legend."""
    rows = -(-len(shown) // COLUMNS)
    sheet = np.zeros((rows * side + 2 * _LINE, COLUMNS * side, 3), np.uint8)
    for place, number in enumerate(shown):
        row, column = (side * index for index in divmod(place, COLUMNS))
        sheet[row : row + side, column : column + side] = _tile(scan, doubts, number, side)
    _write_legend(sheet[rows * side :], len(shown), doubts)
    return sheet


def _tile(scan: SegmentedScan, doubts: ScanDoubts, number: int, side: int) -> Picture:
    """Slice `number` on `side` x `side` pixels: outlines, number from the feet, and doubts with their ml."""
    image = scan.images[number]
    scale = side / max(image.shape)
    bright = cv2.convertScaleAbs(image, alpha=255 / _WHITE)  # uint8; brighter values are 255
    grey = cv2.resize(bright, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.zeros((side, side, 3), np.uint8)
    tile[: grey.shape[0], : grey.shape[1]] = grey[:, :, np.newaxis]
    _draw_outlines(tile, scan, number, scale)
    found = doubts.of_slice(number)
    if found:
        cv2.rectangle(tile, (1, 1), (side - 2, side - 2), DOUBT_COLOUR, FRAME)
    _write(tile, str(number), (6, 16), DOUBT_COLOUR if found else _TEXT_COLOUR)
    for line, doubt in enumerate(reversed(found)):
        _write(tile, f"{doubt.kind} {doubt.ml:.1f} ml", (6, side - 8 - _LINE * line), DOUBT_COLOUR)
    return tile


def _draw_outlines(tile: Picture, scan: SegmentedScan, number: int, scale: float) -> None:
    """Draw the outlines of the lobes of slice `number` into its tile, one pixel wide, in place."""
    for lobe in scan.lobes:
        if lobe.slice == number:
            outlines, _ = cv2.findContours(lobe.mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            corner = np.array([lobe.box[1], lobe.box[0]])
            points = [((outline + corner + 0.5) * scale).astype(np.int32) for outline in outlines]
            cv2.polylines(tile, points, True, _SIDE_COLOURS[lobe.side], 1)


def _write_legend(strip: Picture, shown: int, doubts: ScanDoubts) -> None:
    """Write what colours mean, and how many slices are shown, into `strip`, in place."""
    slices = f"{shown} of {doubts.slices} slices, numbered from the feet"
    parts = (
        ("right lung", _SIDE_COLOURS[0]),
        ("left lung", _SIDE_COLOURS[1]),
        (f"framed: doubtful, {len(doubts.doubtful_slices)} slices", DOUBT_COLOUR),
        (slices, _TEXT_COLOUR),
    )
    column = 6
    for text, colour in parts:
        _write(strip, text, (column, 17), colour)
        column += 30 + _text_width(text)


def _write(picture: Picture, text: str, corner: tuple[int, int], colour: Colour) -> None:
    """Write `text` from its lower left `corner` (column, row) into `picture`, on black, in place."""
    column, row = corner
    end = column + _text_width(text)
    cv2.rectangle(picture, (column - 2, row - _LINE + 4), (end, row + 3), (0, 0, 0), cv2.FILLED)
    cv2.putText(picture, text, corner, _FONT, _FONT_SCALE, colour, 1, cv2.LINE_AA)


def _text_width(text: str) -> int:
    return cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)[0][0]
