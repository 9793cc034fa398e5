"""Masks opened over their source series by SimpleITK, which knows nothing of our geometry."""

import gzip
from itertools import product
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from preprocessing.lung_masks import lung_labels, lung_mask, nifti_bytes
from preprocessing.lungs.lobes import Lobe
from preprocessing.pipeline import SegmentedScan
from preprocessing.reading.series import CtSeries
from preprocessing.reading.volume import load_volume
from shared_model.errors import PneumofedError
from tests.support.chests import SLICE_MM, chest, write_series
from tests.support.enhanced_series import write_enhanced
from tests.support.found_series import accepted_series
from tests.support.oblique_series import AXIAL, stack, turned

DARK_HU = -400
# Of two values only, so that interpolation leaves every value on the nearer pixel's side of the middle.
HU = np.where(chest(12, 32)[0] < DARK_HU, -800, 0).astype(np.int16)
HU[:4, 2:9, 2:9] = -800  # the patient's right, front and feet: no turn or flip maps it onto itself
HU[:4, 2:9, 23:30] = 0


def scan_of(series: CtSeries) -> SegmentedScan:
    """A scan whose right "lung" is what is dark in the right half of the volume, where its columns start."""
    volume = load_volume(series)
    rows, half = volume.hu.shape[1], volume.hu.shape[2] // 2
    lobes = tuple(
        Lobe(number, side, box, image[:, box[1] : box[3]] < DARK_HU)
        for number, image in enumerate(volume.hu)
        for side, box in enumerate([(0, 0, rows, half), (0, half, rows, image.shape[1])])
    )
    images = np.zeros(volume.hu.shape, np.uint16)
    return SegmentedScan(images, volume.spacing_mm, volume.z_mm, volume.flags, lobes)


def mask_of(folder: Path) -> nibabel.Nifti1Image:
    (series,) = accepted_series(folder)
    return lung_mask(scan_of(series), series)


def opened(image: nibabel.Nifti1Image, path: Path) -> SimpleITK.Image:
    path.write_bytes(nifti_bytes(image, compress=True))
    return SimpleITK.ReadImage(path)


def source_of(folder: Path) -> SimpleITK.Image:
    """The series as SimpleITK reads it, slices in its own order."""
    reader = SimpleITK.ImageSeriesReader()
    (series_uid,) = reader.GetGDCMSeriesIDs(str(folder))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series_uid))
    return reader.Execute()


def assert_lies_on(mask: SimpleITK.Image, source: SimpleITK.Image) -> None:
    """Equal grids, and every dark voxel labelled by its physical x: DICOM's runs to the patient's left."""
    assert mask.GetSize() == source.GetSize()
    for mine, theirs in (
        (mask.GetOrigin(), source.GetOrigin()),
        (mask.GetSpacing(), source.GetSpacing()),
        (mask.GetDirection(), source.GetDirection()),
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    labels = SimpleITK.GetArrayFromImage(mask)
    dark = SimpleITK.GetArrayFromImage(source) < DARK_HU
    x_mm = physical_x(mask)
    expected = dark * np.where(x_mm < (x_mm.min() + x_mm.max()) / 2, 1, 2)
    assert np.unique(expected).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(labels, expected)


def physical_x(image: SimpleITK.Image) -> NDArray[np.float64]:
    """x of each voxel in mm, [slice, row, column], of slices that lie straight above each other."""
    sizes = image.GetSize()
    pixels = product(range(sizes[1]), range(sizes[0]))
    points = [image.TransformIndexToPhysicalPoint((i, j, 0))[0] for j, i in pixels]
    return np.repeat(np.reshape(points, (1, sizes[1], sizes[0])), sizes[2], axis=0)


@pytest.mark.parametrize("upwards", [True, False], ids=["feet first", "head first"])
@pytest.mark.parametrize("orientation", AXIAL, ids=str)
def test_a_mask_lies_on_its_series(tmp_path: Path, orientation: tuple[float, ...], upwards: bool) -> None:
    heights = SLICE_MM * np.arange(len(HU)) - 300.0
    way = 1 if upwards else -1
    write_series(tmp_path / "scan", HU[::way], heights=heights[::way], orientation=orientation)
    mask = opened(mask_of(tmp_path / "scan"), tmp_path / "lungs.nii.gz")
    assert mask.GetPixelID() == SimpleITK.sitkUInt8
    assert_lies_on(mask, source_of(tmp_path / "scan"))


def test_the_right_lung_is_1_and_lies_at_negative_x(tmp_path: Path) -> None:
    """One pixel at the patient's right, at x = -150 mm, y = 40 mm, z = -88 mm of DICOM's axes."""
    hu = np.zeros((10, 32, 128), np.int16)
    hu[2, 6, 4] = -800
    for number in range(10):
        write_series(tmp_path / "scan" / str(number), hu[number : number + 1], series_uid="1.2.3",
                     ImagePositionPatient=[-160, 25, 6 * number - 100])  # fmt: skip
    image = mask_of(tmp_path / "scan")
    mask = opened(image, tmp_path / "lungs.nii.gz")
    labelled = np.argwhere(SimpleITK.GetArrayFromImage(mask))
    assert labelled.tolist() == [[2, 6, 4]]
    assert mask.GetPixel(mask.TransformPhysicalPointToIndex((-150, 40, -88))) == 1
    # NIfTI's own x and y are DICOM's with the other sign.
    np.testing.assert_allclose(image.affine @ [4, 6, 2, 1], [150, -40, -88, 1])


@pytest.mark.parametrize("spacing", [(5.0, 2.5), (2.5, 3.3)], ids=str)
def test_pixels_that_are_not_square(tmp_path: Path, spacing: tuple[float, float]) -> None:
    write_series(tmp_path / "scan", HU, PixelSpacing=list(spacing))
    mask = opened(mask_of(tmp_path / "scan"), tmp_path / "lungs.nii.gz")
    assert_lies_on(mask, source_of(tmp_path / "scan"))


@pytest.mark.parametrize("angles", [(25, 0, 0), (15, 15, 10)])
def test_oblique_slices(tmp_path: Path, angles: tuple[float, float, float]) -> None:
    stack(tmp_path / "scan", HU, turned(*angles))
    for path in (tmp_path / "scan").rglob("*.dcm"):
        path.rename(tmp_path / "scan" / f"{path.parent.name}.dcm")  # SimpleITK looks into one folder
    mask = opened(mask_of(tmp_path / "scan"), tmp_path / "lungs.nii.gz")
    source = source_of(tmp_path / "scan")
    dark = SimpleITK.GetArrayFromImage(source) < DARK_HU
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(mask) > 0, dark)
    np.testing.assert_allclose(mask.GetDirection(), source.GetDirection(), atol=1e-5)
    np.testing.assert_allclose(mask.GetOrigin(), source.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(mask.GetSpacing(), source.GetSpacing(), atol=1e-4)


def test_an_enhanced_file_is_one_series(tmp_path: Path) -> None:
    """SimpleITK takes frames in file order, and one rescale for all."""
    path = write_enhanced(tmp_path / "scan", HU, rescales=[(1, -1024)])
    mask = opened(mask_of(tmp_path / "scan"), tmp_path / "lungs.nii.gz")
    source = SimpleITK.ReadImage(path)
    assert_lies_on(mask, source)
    write_enhanced(tmp_path / "scan", HU, order=np.random.default_rng(3).permutation(12))
    again = mask_of(tmp_path / "scan")
    np.testing.assert_array_equal(again.get_fdata().T, SimpleITK.GetArrayFromImage(mask))
    np.testing.assert_allclose(again.affine @ [0, 0, 11, 1], [0, 0, 11 * SLICE_MM, 1])


def test_a_missing_slice_is_there_as_interpolated(tmp_path: Path) -> None:
    """The other files' slices are found by their own positions."""
    write_series(tmp_path / "scan", HU, skip=(5,), SliceThickness=1.0)
    mask = opened(mask_of(tmp_path / "scan"), tmp_path / "lungs.nii.gz")
    assert (mask.GetSize(), mask.GetSpacing()) == ((32, 32, 12), (2.5, 2.5, SLICE_MM))
    labels = SimpleITK.GetArrayFromImage(mask)
    for path in (tmp_path / "scan").iterdir():
        source = SimpleITK.ReadImage(path)
        place = mask.TransformPhysicalPointToIndex(source.GetOrigin())
        assert place[:2] == (0, 0)
        dark = SimpleITK.GetArrayFromImage(source)[0] < DARK_HU
        np.testing.assert_array_equal(labels[place[2]] > 0, dark)
    assert labels[5].any()


@pytest.mark.parametrize("degrees", [15, -8])
def test_only_the_sform_holds_a_tilted_gantry(tmp_path: Path, degrees: float) -> None:
    """The affine from the tags alone; the labels themselves are checked in reading/test_stored_voxels.py."""
    stack(tmp_path / "scan", HU, turned(degrees), along=np.array([0, 0, 1.0]))
    image = mask_of(tmp_path / "scan")
    assert image.shape == (32, 32, 12)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    expected = [[-2.5, 0, 0, 100], [0, -2.5 * cosine, 0, 100], [0, 2.5 * sine, SLICE_MM, -100], [0, 0, 0, 1]]
    np.testing.assert_allclose(image.get_sform(), expected, atol=1e-4)
    np.testing.assert_allclose(image.header.get_zooms(), (2.5, 2.5, SLICE_MM), atol=1e-4)
    with pytest.raises(RuntimeError, match="orthonormal"):  # refused, and not misplaced
        opened(image, tmp_path / "lungs.nii.gz")


def test_what_no_affine_describes_is_refused_without_a_path(tmp_path: Path) -> None:
    heights = SLICE_MM * np.arange(len(HU), dtype=float)
    heights[6] += 1.5
    write_series(tmp_path, HU, heights=heights)
    with pytest.raises(PneumofedError, match="do without a mask file") as error:
        mask_of(tmp_path)
    assert error.value.code == "uneven-grid"
    assert str(tmp_path) not in str(error.value)


def test_a_file_holds_voxels_and_places_and_nothing_else(tmp_path: Path) -> None:
    write_series(tmp_path, HU, patient_id="4711", SeriesDescription="Thorax", StudyDate="20200301")
    image = mask_of(tmp_path)
    plain, packed = nifti_bytes(image, compress=False), nifti_bytes(image, compress=True)
    assert gzip.decompress(packed) == plain
    assert packed == nifti_bytes(mask_of(tmp_path), compress=True)
    assert packed[3:8] == bytes(5)  # neither a file name nor a comment, and no time (RFC 1952)
    header = image.header
    texts = ("descrip", "aux_file", "intent_name", "db_name", "data_type")
    assert [bytes(header[name].tobytes()).strip(b"\0") for name in texts] == [b""] * len(texts)
    assert (list(header.extensions), len(plain)) == ([], 352 + HU.size)
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    assert header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)


def test_labels_of_lobes() -> None:
    mask = np.array([[True, False], [True, True]])
    lobes = (Lobe(1, 0, (2, 0, 4, 2), mask), Lobe(1, 1, (2, 2, 4, 4), ~mask))
    images = np.zeros((3, 5, 4), np.uint16)
    labels = lung_labels(SegmentedScan(images, (5.0, 1.0, 1.0), np.arange(3.0), (), lobes))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels[1, 2:4], [[1, 0, 0, 2], [1, 1, 0, 0]])
    assert np.count_nonzero(labels) == 4
