"""JPEG Extended with 12 bits is decoded and flagged as lossy."""

from pathlib import Path

import gdcm
import numpy as np
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.uid import (
    JPEGExtended12Bit,
)

from tests.support.chests import chest, write_series
from tests.support.dicom_edits import by_gdcm, load, refused, wrapped

HU, _ = chest(10, 32)


def test_twelve_bits_of_lossy_jpeg_are_read_and_flagged(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "lossy", HU, BitsStored=12, HighBit=11)
    for path in paths:
        by_gdcm(path, gdcm.TransferSyntax.JPEGExtendedProcess2_4)
    assert dcmread(paths[0]).file_meta.TransferSyntaxUID == JPEGExtended12Bit
    hu, padding, flags = load(tmp_path / "lossy")
    assert np.abs(hu.astype(int) - HU).max() <= 2  # GDCM writes at the highest quality
    assert "lossy" in flags and not padding.any()
    whole = get_frame(dcmread(paths[0]).PixelData, 0, number_of_frames=1)
    for broken in (whole[:-200], whole[:40], b"\xff\xd8\xff\xd9"):
        assert refused(wrapped(paths[0], broken, JPEGExtended12Bit)) == "unreadable-pixels"
