"""Reports the lobes of a scan as a table."""

from typing import Any

from rich.table import Table

from preprocessing.lungs.lobes import SIDES
from preprocessing.pipeline import SegmentedScan
from preprocessing.reading.refusals import FLAGS


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
