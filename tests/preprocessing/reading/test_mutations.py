"""Files with damaged bytes, in every encoding: the same HU or a refusal, and never a crash.

Inside the pixels a byte may change HU. Outside them it may not, but for the digits of the rescale attributes
themselves, which are as good as others.
"""

from pathlib import Path

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from preprocessing.prepare import prepare
from preprocessing.reading.elements import open_elements
from preprocessing.reading.header import read_slices
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.rescaling import hounsfield
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import by_gdcm
from tests.support.labelled_studies import write_hospital
from tests.support.mutations import ENCODINGS, mutated

HU, _ = chest(1, 32)
PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
PACKED = (RLELossless, JPEGLSLossless, JPEG2000Lossless)


def write(folder: Path, syntax: UID | str) -> Path:
    (path,) = write_series(folder, HU, BitsStored=16, PixelPaddingValue=63536)
    if syntax == "jpeg":
        by_gdcm(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
        return path
    data = dcmread(path)
    if syntax in PACKED:
        data.compress(UID(syntax), generate_instance_uid=False)
    data.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    dcmwrite(path, data, implicit_vr=syntax == ImplicitVRLittleEndian,
             little_endian=syntax != ExplicitVRBigEndian, force_encoding=True)  # fmt: skip
    return path


def read(path: Path) -> tuple[tuple[float, float], NDArray[np.int16]] | None:
    """Rescale and HU of the file's first slice; None if it is refused, which is all it may raise."""
    try:
        one = read_slices(path)[0]
        with open_elements(path) as elements:
            ((stored, _),) = stored_frames(elements, PixelFormat.from_elements(elements), [0])
    except FileRefusedError:
        return None
    return (one.slope, one.intercept), hounsfield(stored, slope=one.slope, intercept=one.intercept)


@pytest.mark.parametrize("count", [13, pytest.param(250, marks=pytest.mark.slow)])
@pytest.mark.parametrize("syntax", [*PLAIN, *PACKED, "jpeg"], ids=str)
def test_the_same_hu_or_a_refusal(tmp_path: Path, syntax: UID | str, count: int) -> None:
    path = write(tmp_path, syntax)
    content, sound = path.read_bytes(), read(path)
    assert sound is not None and (sound[1] == HU[0]).all()
    deflated = syntax == DeflatedExplicitVRLittleEndian
    with open_elements(path) as elements:
        pixels = elements.dataset_offset if deflated else (elements.pixel_data_offset or 0)
    rng = np.random.default_rng(len(str(syntax)))
    for number in range(count):
        inside = bool(number % 2) or deflated
        path.write_bytes(mutated(content, rng, *((pixels, len(content)) if inside else (0, pixels))))
        found = read(path)
        if found is not None and not inside and found[0] == sound[0]:
            np.testing.assert_array_equal(found[1], sound[1], err_msg=f"mutation {number}")


@pytest.mark.parametrize("count", [2, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_damaged_study_harms_no_other(tmp_path: Path, encoding: str, count: int) -> None:
    """The study with a damaged file is prepared without it, or rejected; the other one is always added."""
    studies, labels = write_hospital(tmp_path, 2)
    files = sorted((studies / "Doe^John0").iterdir())
    ENCODINGS[encoding](files)
    rng = np.random.default_rng(count)
    for number in range(count):
        path = files[rng.integers(len(files))]
        content = path.read_bytes()
        path.write_bytes(mutated(content, rng, 132, len(content)))
        report = prepare(studies, labels, tmp_path / f"store{number}")
        path.write_bytes(content)
        assert report.added + report.rejected == 2 and report.added >= 1
        assert all(problem.row == 2 for problem in report.problems)
