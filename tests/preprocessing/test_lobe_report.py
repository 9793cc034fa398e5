"""The table of a scan's lobes."""

from dataclasses import replace

from preprocessing.lobe_report import flag_lines, lobe_table
from tests.support.segmented_scans import three_lobes


def test_the_table_has_a_row_per_slice_with_box_and_area() -> None:
    rows = lobe_table(three_lobes())
    assert [row["z_mm"] for row in rows] == [-100 + 5 * number for number in range(11)]
    lobe = {"box": [10, 20, 50, 40], "area_mm2": 795 * 0.4}
    assert rows[1] == {"z_mm": -95, "right": lobe, "left": {**lobe, "box": [10, 60, 50, 80]}}
    assert rows[0] == {"z_mm": -100, "right": None, "left": None}
    assert rows[4]["right"] is None and rows[4]["left"] is not None


def test_flags_are_told_in_words() -> None:
    assert flag_lines(three_lobes()) == []
    flagged = replace(three_lobes(), flags=("one-lung", "prone"))
    said = [
        "one-lung: one lung is missing or less than a tenth of both",
        "prone: the patient lies on the belly",
    ]
    assert flag_lines(flagged) == said
