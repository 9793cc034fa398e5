"""Folders of many small studies, each file its own, written quickly from one study."""

import os
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import UID

from tests.support.chests import chest, write_series

SLICES = 14
_MARK = (
    "7000001"  # in each identifier of the study that the others are made from; a study's number replaces it
)
_LINKS = 30_000  # of one file; file systems permit 32,000 or more


def write_studies(folder: Path, count: int, *, pixels: int) -> None:
    """`count` studies, FOLDER/s0000001/00.dcm on, of SLICES slices of `pixels` x `pixels`.

    They are alike but for their identifiers; each is a patient's of its own.
    """
    pattern = folder / "pattern"
    contents = []
    for number, path in enumerate(write_series(pattern, chest(SLICES, pixels)[0], patient_id=f"P{_MARK}")):
        data = dcmread(path)
        data.StudyInstanceUID, data.SeriesInstanceUID = UID(f"1.2.{_MARK}.1"), UID(f"1.2.{_MARK}.2")
        data.SOPInstanceUID = UID(f"1.2.{_MARK}.3.{number + 10}")
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.save_as(path)
        contents.append(path.read_bytes())
        path.unlink()
    pattern.rmdir()
    for study in range(1, count + 1):
        place = folder / f"s{study:07d}"
        place.mkdir()
        for number, content in enumerate(contents):
            own = content.replace(_MARK.encode(), f"{7_000_000 + study}".encode())
            (place / f"{number:02d}.dcm").write_bytes(own)


def write_other_files(folder: Path, count: int) -> None:
    """`count` files that are not DICOM, a thousand a folder, as hard links of a few."""
    for number in range(count):
        place, first = folder / f"other{number // 1000:03d}", folder / f"first{number // _LINKS}"
        place.mkdir(exist_ok=True)
        if number % _LINKS == 0:
            first.write_text("Findings: none.\n")
        os.link(first, place / f"{number}.txt")
    for first in folder.glob("first*"):
        first.unlink()
