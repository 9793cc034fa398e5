"""The walk over elements finds what pydicom finds, and no file harms it."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from preprocessing.reading.elements import MAX_INFLATED_BYTES, Elements, open_elements, read_elements
from preprocessing.reading.refusals import FILE_REFUSALS, FileRefusedError
from tests.support.chests import chest, write_series

# pydicom's own collection of odd files comes with it.
ODD = sorted(Path(pydicom.__file__).parent.joinpath("data", "test_files").rglob("*.dcm"))
HU, _ = chest(1, 32)
CODES = {
    "DICOMDIR-empty.dcm": "dicomdir",
    "rtplan_truncated.dcm": "broken-header",
    "meta_missing_tsyntax.dcm": "broken-header",
    "ExplVR_LitEndNoMeta.dcm": "no-preamble",
    "rtstruct.dcm": "no-preamble",
    "ExplVR_BigEndNoMeta.dcm": "not-dicom",
    "no_meta.dcm": "not-dicom",
}
TEXTS = ("SOPClassUID", "SeriesInstanceUID", "PatientID", "ImageType", "PixelSpacing", "ImagePositionPatient")
NUMBERS = ("Rows", "Columns", "BitsStored", "PixelRepresentation", "SamplesPerPixel")


def as_pydicom_says(elements: Elements, data: Dataset) -> None:
    for keyword in TEXTS:
        value = data.get(keyword, None)
        values = [] if not value else [value] if isinstance(value, str) else list(value)
        found = elements.texts(keyword)
        original = [getattr(one, "original_string", one) for one in values]
        assert list(found) == [str(one).strip() for one in original], keyword
    for keyword in NUMBERS:
        assert elements.unsigned(keyword) == data.get(keyword, None), keyword


@pytest.mark.parametrize("path", ODD, ids=lambda path: path.name)
def test_odd_files_are_read_as_pydicom_reads_them_or_refused(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_elements(path) as elements:
                data = pydicom.dcmread(path, stop_before_pixels=True)
                as_pydicom_says(elements, data)
                pixels = pydicom.dcmread(path).get("PixelData", None)
                if pixels is None or elements.pixel_data_length is None:
                    assert (pixels is None) == (elements.pixel_data_offset is None)
                else:
                    elements.stream.seek(elements.pixel_data_offset or 0)
                    assert elements.stream.read(elements.pixel_data_length) == pixels
        except FileRefusedError as refusal:
            assert CODES.get(path.name) == refusal.code, path.name
        else:
            assert path.name not in CODES


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda syntax: syntax.name,
)
@pytest.mark.parametrize("undefined", [False, True])
def test_every_plain_encoding_with_nested_sequences(tmp_path: Path, syntax: str, undefined: bool) -> None:
    (path,) = write_series(tmp_path, HU)
    data = pydicom.dcmread(path)
    inner = Dataset()
    inner.Rows, inner.PatientID = 7, "inner"
    middle = Dataset()
    middle.RequestAttributesSequence = Sequence([inner])
    data.ReferencedStudySequence = Sequence([middle, middle])
    data.add_new(0x00091010, "UN", b"x" * 40_000)
    for holder, keyword in ((data, "ReferencedStudySequence"), (middle, "RequestAttributesSequence")):
        holder[keyword].is_undefined_length = undefined
        for item in holder[keyword].value:
            item.is_undefined_length_sequence_item = undefined
    if syntax == ExplicitVRBigEndian:
        data["PixelData"].VR = "OW"
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(
        path, data, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian
    )
    with open_elements(path) as elements:
        as_pydicom_says(elements, pydicom.dcmread(path))
        assert elements.pixel_data_length == HU[0].size * 2
        elements.stream.seek(elements.pixel_data_offset or 0)
        order = "<u2" if elements.little_endian else ">u2"
        raw = np.frombuffer(elements.stream.read(elements.pixel_data_length), order)
        np.testing.assert_array_equal(raw.reshape(HU[0].shape).astype(int) - 1024, HU[0])


def plain_file(tmp_path: Path) -> bytes:
    (path,) = write_series(tmp_path, HU)
    return path.read_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_file(tmp_path_factory.mktemp("good"))


@settings(max_examples=300)
@given(data=st.data())
def test_any_damage_is_refused_by_code_or_survived(good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good[: data.draw(st.integers(0, 2500))])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        elements = read_elements(io.BytesIO(bytes(damaged)))
    except FileRefusedError as refusal:
        assert refusal.code in FILE_REFUSALS
    else:
        assert sum(map(len, elements.values.values())) <= len(damaged)


def meta(syntax: str) -> bytes:
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
    return b"\0" * 128 + b"DICM" + element


def code_of(content: bytes) -> str:
    with pytest.raises(FileRefusedError) as refusal:
        read_elements(io.BytesIO(content))
    return refusal.value.code


def test_nothing_grows_without_end() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(1 << 20)
    packed = b"".join(bomb.compress(zeros) for _ in range((MAX_INFLATED_BYTES >> 20) + 1)) + bomb.flush()
    assert len(packed) < 1 << 18
    assert code_of(meta(DeflatedExplicitVRLittleEndian) + packed) == "implausible-size"
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    nested = struct.pack("<HH2sHL", 8, 0x1110, b"SQ", 0, 0xFFFFFFFF) + item
    assert code_of(meta(ExplicitVRLittleEndian) + nested * 5000) == "broken-header"
    many = struct.pack("<HH2sH", 8, 0x70, b"LO", 0) * 1_000_001
    assert code_of(meta(ExplicitVRLittleEndian) + many) == "implausible-size"
    long = struct.pack("<HH2sHL", 0x28, 0x10, b"UN", 0, 1 << 31)
    assert code_of(meta(ExplicitVRLittleEndian) + long) == "broken-header"


def test_what_is_no_dicom_file_is_named() -> None:
    assert code_of(b"") == "empty-file"
    assert code_of(b"PK\x03\x04" + bytes(500)) == "archive"
    assert code_of(b"%PDF-1.7" + bytes(500)) == "not-dicom"
    assert code_of(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + bytes(500)) == "no-preamble"
    assert code_of(b"\0" * 128 + b"DICM") == "broken-header"
