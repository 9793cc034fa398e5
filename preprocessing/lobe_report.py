"""Reports the lobes of a scan: as a table and as a contact sheet."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from preprocessing.lungs.lobes import SIDES, Lobe
from preprocessing.pipeline import SegmentedScan
from preprocessing.reading.refusals import FLAGS

_TILE = 192  # pixels
_COLUMNS = 10
_WHITE = 1400  # grey value displayed as white
_COLOURS = ((80, 160, 255), (120, 230, 120))  # BGR, one per side


def lobe_table(scan: SegmentedScan) -> list[dict[str, Any]]:
    """One dict per slice, feet first: `z_mm`, and per side None or `box` and `area_mm2`."""
    rows: list[dict[str, Any]] = [
        {"z_mm": round(float(height), 3), **dict.fromkeys(SIDES)} for height in scan.z_mm
    ]
    pixel_mm2 = scan.spacing_mm[1] * scan.spacing_mm[2]
    for lobe in scan.lobes:
        found = {"box": list(lobe.box), "area_mm2": round(lobe.area * pixel_mm2, 2)}
        rows[lobe.slice][SIDES[lobe.side]] = found
    return rows


def area_table(scan: SegmentedScan) -> Table:
    """Height and lung areas of each slice, for people."""
    table = Table("slice", "z mm", "right mm2", "left mm2")
    for number, row in enumerate(lobe_table(scan)):
        areas = (f"{row[side]['area_mm2']:.0f}" if row[side] else "-" for side in ("right", "left"))
        table.add_row(str(number), f"{row['z_mm']:.1f}", *areas)
    return table


def flag_lines(scan: SegmentedScan) -> list[str]:
    """What is unusual about the scan, a line a flag: its code and what it means."""
    return [f"{flag}: {FLAGS[flag]}" for flag in scan.flags]


def contact_sheet(scan: SegmentedScan) -> bytes:
    """PNG of all slices of a scan, feet first, with lobe outlines."""
    tiles = [_tile(image, number, scan.lobes) for number, image in enumerate(scan.images)]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    _, encoded = cv2.imencode(".png", np.vstack(rows))
    return bytes(encoded)


def _tile(image: NDArray[np.uint16], number: int, lobes: tuple[Lobe, ...]) -> NDArray[np.uint8]:
    grey = (np.minimum(image, _WHITE) * (255 / _WHITE)).astype(np.uint8)
    picture = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    for lobe in (lobe for lobe in lobes if lobe.slice == number):
        outlines, _ = cv2.findContours(lobe.mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        corner = (lobe.box[1], lobe.box[0])
        cv2.drawContours(picture, outlines, -1, _COLOURS[lobe.side], 2, offset=corner)
    scale = _TILE / max(image.shape)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.zeros((_TILE, _TILE, 3), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    cv2.putText(tile, str(number), (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 220, 255), 1, cv2.LINE_AA)
    return tile
