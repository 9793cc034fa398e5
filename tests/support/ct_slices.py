"""Slices as the header of a CT would give them, without any file."""

from pathlib import Path

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.slice_plane import Plane


def ct_slice(
    *,
    position: tuple[float, float, float] = (0.0, 0.0, 0.0),
    spacing: tuple[float, float] = (2.0, 2.0),
    shape: tuple[int, int] = (20, 30),
    kernel: str = "SOFT",
    thickness_mm: float = 5.0,
    manufacturer: str | None = "ge",
    split_attributes: tuple[str, ...] = ("1", "", "", ""),
) -> CtSlice:
    """An axial slice at a position (x, y, z) mm."""
    return CtSlice(
        path=Path("slice.dcm"),
        frame=0,
        instance_uid=f"1.2.{position[2]}",
        series_uid="1.2",
        study_uid="1",
        patient_id="p",
        shape=shape,
        plane=Plane(position, (1, 0, 0), (0, 1, 0), spacing),
        slope=1.0,
        intercept=-1024.0,
        stored_range=(0, 4095),
        kernel=kernel,
        thickness_mm=thickness_mm,
        manufacturer=manufacturer,
        body_part="CHEST",
        split_attributes=split_attributes,
        flags=(),
    )
