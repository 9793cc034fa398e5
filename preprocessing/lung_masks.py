"""The lungs of a scan as NIfTI-1, in the voxels and the physical space of its DICOM files."""

import gzip

import nibabel
import numpy as np
from numpy.typing import NDArray

from preprocessing.pipeline import SegmentedScan
from preprocessing.reading.series import CtSeries
from preprocessing.reading.stored_voxels import StoredVoxels

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # NIfTI's x and y run against DICOM's
_SCANNER_ANATOMICAL = 1  # NIFTI_XFORM_SCANNER_ANAT
_MAX_QFORM_OFF_PIXELS = 0.1


def lung_mask(scan: SegmentedScan, series: CtSeries) -> nibabel.Nifti1Image:
    """Lungs of `scan`, which was made of `series`: uint8 [column, row, slice], 1 right, 2 left lung.

    Rows and columns are as stored; missing slices are there, as interpolated. The sform holds the position of
    each voxel, sheared if the gantry is tilted; the qform holds it too, or has code 0 if it cannot. Nothing
    else of the series is in the header. Raises PneumofedError `uneven-grid` (see StoredVoxels).
    """
    voxels = StoredVoxels.from_series(series)
    affine = _RAS_FROM_LPS @ voxels.affine
    image = nibabel.Nifti1Image(voxels.restore_labels(lung_labels(scan)), affine)
    image.header.set_xyzt_units("mm")
    image.header.set_intent("label")
    image.set_sform(affine, _SCANNER_ANATOMICAL)
    image.set_qform(affine, _SCANNER_ANATOMICAL)  # the nearest one without shear
    if not _qform_agrees(image, affine):
        image.header["qform_code"] = 0
    return image


def lung_labels(scan: SegmentedScan) -> NDArray[np.uint8]:
    """Labels of a scan's volume: uint8 [slice, row, column], 1 right, 2 left lung."""
    labels = np.zeros(scan.images.shape, np.uint8)
    for lobe in scan.lobes:
        row0, column0, row1, column1 = lobe.box
        labels[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
    return labels


def nifti_bytes(image: nibabel.Nifti1Image, *, compress: bool) -> bytes:
    """The bytes of a .nii or, with `compress`, .nii.gz file: the same for the same image, with no file name
    and no time in them.
    """
    plain = image.to_bytes()
    return gzip.compress(plain, compresslevel=6, mtime=0) if compress else plain


def _qform_agrees(image: nibabel.Nifti1Image, affine: NDArray[np.float64]) -> bool:
    """Whether no voxel is more than a tenth of its least side off by the qform."""
    ends = np.array(np.meshgrid(*((0, count - 1) for count in image.shape), indexing="ij")).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    off_mm = np.linalg.norm(((image.get_qform() - affine) @ corners)[:3], axis=0).max()
    return bool(off_mm <= _MAX_QFORM_OFF_PIXELS * min(image.header.get_zooms()))
