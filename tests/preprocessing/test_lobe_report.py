"""The table and the contact sheet of a scan's lobes."""

from dataclasses import replace

import cv2
import numpy as np

from preprocessing.lobe_report import contact_sheet, flag_lines, lobe_table
from preprocessing.lungs.lobes import Lobe
from preprocessing.pipeline import SegmentedScan


def scan(slices: int = 11) -> SegmentedScan:
    mask = np.ones((40, 20), np.bool_)
    mask[0, :5] = False
    lobes = (
        Lobe(1, 0, (10, 20, 50, 40), mask),
        Lobe(1, 1, (10, 60, 50, 80), mask),
        Lobe(4, 1, (10, 60, 50, 80), mask),
    )
    images = np.full((slices, 96, 128), 700, np.uint16)
    return SegmentedScan(images, (5.0, 0.5, 0.8), -100 + 5.0 * np.arange(slices), (), lobes)


def test_the_table_has_a_row_per_slice_with_box_and_area() -> None:
    rows = lobe_table(scan())
    assert [row["z_mm"] for row in rows] == [-100 + 5 * number for number in range(11)]
    lobe = {"box": [10, 20, 50, 40], "area_mm2": 795 * 0.4}
    assert rows[1] == {"z_mm": -95, "right": lobe, "left": {**lobe, "box": [10, 60, 50, 80]}}
    assert rows[0] == {"z_mm": -100, "right": None, "left": None}
    assert rows[4]["right"] is None and rows[4]["left"] is not None


def test_flags_are_told_in_words() -> None:
    assert flag_lines(scan()) == []
    flagged = replace(scan(), flags=("one-lung", "prone"))
    said = [
        "one-lung: one lung is missing or less than a tenth of both",
        "prone: the patient lies on the belly",
    ]
    assert flag_lines(flagged) == said


def test_the_sheet_outlines_lobes_in_the_colour_of_their_side() -> None:
    sheet = cv2.imdecode(np.frombuffer(contact_sheet(scan()), np.uint8), cv2.IMREAD_COLOR)
    assert sheet is not None and sheet.shape == (2 * 192, 10 * 192, 3)  # ten slices a row
    blue, green = sheet[..., 0].astype(int), sheet[..., 1].astype(int)
    red = sheet[..., 2].astype(int)
    right, left = red - blue > 60, green - red > 60
    tile = np.s_[20:192, 192 : 2 * 192]  # slice 1, without its number
    columns = np.arange(192) / 1.5  # the tile shows the image 1.5 times as large
    assert set(np.unique(columns[right[tile].any(axis=0)] // 10)) <= {1, 2, 3, 4}
    assert set(np.unique(columns[left[tile].any(axis=0)] // 10)) <= {5, 6, 7, 8}
    assert right[tile].any() and left[tile].any()
    assert not (right | left)[20:192, :192].any()  # slice 0 has no lobes
    assert not sheet[192:, 192:].any()  # the second row has one slice
