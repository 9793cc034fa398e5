"""What is written is valid CT Image Storage and reads back, with pydicom alone, as what was simulated."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage

from preprocessing.phantom.dicom import write_series
from preprocessing.phantom.scanner import Scanner
from tests.support.small_phantoms import COARSE_SCANNERS, coarse_scan

SCANNERS = pytest.mark.parametrize(
    "number", range(len(COARSE_SCANNERS)), ids=[s.model for s in COARSE_SCANNERS]
)


def _written(folder: Path, number: int) -> tuple[Scanner, list[pydicom.FileDataset]]:
    """The series of scan `number`, read back and sorted by position."""
    scanner, scan = COARSE_SCANNERS[number], coarse_scan("covid", number)
    rng = np.random.default_rng(number)
    write_series(folder, scanner.store(scan.hu), scan.z_mm, scanner, identity="P12345", rng=rng)
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    return scanner, sorted(slices, key=lambda ds: float(ds.ImagePositionPatient[2]))


@SCANNERS
def test_hounsfield_units_survive_storage(tmp_path: Path, number: int) -> None:
    scanner, slices = _written(tmp_path, number)
    raw = np.stack([ds.pixel_array for ds in slices]).astype(np.int64)
    hu = raw * float(slices[0].RescaleSlope) + float(slices[0].RescaleIntercept)
    low, high = (v * scanner.slope + scanner.intercept for v in scanner.stored_range())
    expected = np.clip(coarse_scan("covid", number).hu, low, high)
    measured = np.ones(raw.shape, bool)
    if scanner.padding is not None:
        assert slices[0].PixelPaddingValue * scanner.slope + scanner.intercept == scanner.padding
        measured = raw != slices[0].PixelPaddingValue
        corner = np.hypot(*(np.indices(raw.shape[1:]) - (scanner.matrix - 1) / 2)) > scanner.matrix / 2
        np.testing.assert_array_equal(measured, np.broadcast_to(~corner, raw.shape))
    assert np.abs(hu - expected)[measured].max() <= scanner.slope / 2 + 1e-3


@SCANNERS
def test_the_series_is_described_as_ct_must_be(tmp_path: Path, number: int) -> None:
    scanner, slices = _written(tmp_path, number)
    for ds in slices:
        assert ds.SOPClassUID == ds.file_meta.MediaStorageSOPClassUID == CTImageStorage
        assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
        assert list(ds.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
        assert list(ds.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
        assert ds.SliceLocation == ds.ImagePositionPatient[2]
        assert ds.PixelRepresentation == int(scanner.signed)
        assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit) == (16, scanner.bits, scanner.bits - 1)
        assert all(tag in ds for tag in ("KVP", "ConvolutionKernel", "AcquisitionNumber", "WindowCenter"))
    assert len({ds.SOPInstanceUID for ds in slices}) == len(slices)
    assert len({(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientID) for ds in slices}) == 1
    heights = [float(ds.ImagePositionPatient[2]) for ds in slices]
    np.testing.assert_allclose(np.diff(heights), scanner.spacing_mm, atol=1e-3)


@SCANNERS
def test_instance_numbers_follow_the_scanners_habit_and_names_say_nothing(
    tmp_path: Path, number: int
) -> None:
    scanner, slices = _written(tmp_path, number)
    numbers = [int(ds.InstanceNumber) for ds in slices]
    ascending = sorted(numbers)
    assert ascending == list(range(1, len(slices) + 1))
    wanted = {"feet-first": numbers == ascending, "head-first": numbers == ascending[::-1]}
    wanted["shuffled"] = numbers not in (ascending, ascending[::-1])
    assert wanted[scanner.numbering]
    assert all(path.stem.isdigit() and path.suffix == ".dcm" for path in tmp_path.iterdir())


@SCANNERS
def test_truth_and_slices_lie_on_each_other(tmp_path: Path, number: int) -> None:
    _, slices = _written(tmp_path, number)
    lungs = coarse_scan("covid", number).lungs
    assert lungs.shape == (len(slices), slices[0].Rows, slices[0].Columns)
    hu = np.stack([ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in slices])
    body = hu > -400
    within = lambda truth: (hu[truth] < -400).mean() - 0.5 * body[~truth].mean()  # noqa: E731
    aligned = within(lungs > 0)
    assert aligned > within(lungs[::-1] > 0)
    assert aligned > within(np.roll(lungs, 2, axis=0) > 0)
    assert aligned > within(np.roll(lungs, 4, axis=2) > 0)
