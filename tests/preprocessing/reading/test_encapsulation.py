"""Compressed frames: decoded to the same values, or refused when incomplete or of another size."""

import struct
from pathlib import Path

import gdcm
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from preprocessing.reading.elements import open_elements
from tests.support.chests import SLICE_MM, chest, write_series
from tests.support.dicom_edits import by_gdcm, compress, edit, load, one_frame, refused, wrapped

HU, _ = chest(10, 32)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1], ids=lambda syntax: syntax.name
)
def test_lossless_encodings_give_the_same_hu(tmp_path: Path, syntax: UID, signed: bool) -> None:
    intercept = 0 if signed else -1024
    paths = write_series(tmp_path, HU, signed=signed, intercept=intercept, BitsStored=12, HighBit=11)
    if syntax == JPEGLosslessSV1:
        for path in paths:
            by_gdcm(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    else:
        edit(paths, lambda data: compress(data, syntax))
    assert dcmread(paths[0]).file_meta.TransferSyntaxUID == syntax
    hu, padding, flags = load(tmp_path)
    np.testing.assert_array_equal(hu, HU)
    by_hand = {"unspecified-units"} if syntax == JPEGLosslessSV1 else set()  # GDCM writes RescaleType US
    assert (set(flags), padding.any()) == (by_hand, False)


@pytest.mark.parametrize("syntax", [JPEGLSNearLossless, JPEG2000], ids=lambda syntax: syntax.name)
def test_lossy_ones_are_flagged(tmp_path: Path, syntax: UID) -> None:
    options = {"jls_error": 3} if syntax == JPEGLSNearLossless else {"j2k_cr": [4]}
    edit(
        write_series(tmp_path, HU, BitsStored=12, HighBit=11),
        lambda data: data.compress(syntax, generate_instance_uid=False, **options),
    )
    hu, _, flags = load(tmp_path)
    assert flags == ("lossy",)
    for path in tmp_path.iterdir():
        data = dcmread(path)
        place = round(float(data.ImagePositionPatient[2]) / SLICE_MM)
        other = get_decoder(syntax).as_array(data, decoding_plugin="gdcm")[0]
        np.testing.assert_array_equal(hu[place], other.astype(int) - 1024)
        assert (hu[place] != HU[place]).any()


def test_high_throughput_jpeg_2000(tmp_path: Path) -> None:
    """A codestream written once by OpenJPH, of a pattern that is computed here again."""
    codestream = (Path(__file__).parent / "encoded" / "htj2k.j2c").read_bytes()
    row, column = np.mgrid[:48, :64]
    pattern = (row * 97 + column * 31 + (row * column) % 53) % 4096
    path = wrapped(write_series(tmp_path, HU[:1])[0], codestream, HTJ2KLossless, Rows=48, Columns=64)
    np.testing.assert_array_equal(one_frame(path), pattern)


def test_eight_bits_are_refused_however_they_are_declared(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, HU[:1])
    assert refused(wrapped(path, b"\xff\xd8\xff\xd9", JPEGBaseline8Bit)) == "eight-bit"
    eight = b"\xff\xd8\xff\xf7" + struct.pack(">HBHHB", 11, 8, 32, 32, 1) + bytes(3) + b"\xff\xd9"
    assert refused(wrapped(path, eight, JPEGLSNearLossless)) == "eight-bit"


def jpeg_2000_of(rows: int, columns: int) -> bytes:
    sizes = struct.pack(">8L", columns, rows, 0, 0, columns, rows, 0, 0)
    return b"\xff\x4f\xff\x51" + struct.pack(">HH", 41, 0) + sizes + b"\0\1\x0b\1\1\xff\xd9"


def test_a_codestream_larger_than_the_header_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UID] = []
    monkeypatch.setattr("preprocessing.reading.encapsulation.get_decoder", asked.append)
    (path,) = write_series(tmp_path, HU[:1])
    assert refused(wrapped(path, jpeg_2000_of(60000, 60000), JPEG2000Lossless)) == "unreadable-pixels"
    huge = b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB", 11, 12, 60000, 60000, 1) + bytes(3) + b"\xff\xd9"
    assert refused(wrapped(path, huge, JPEGLosslessSV1)) == "unreadable-pixels"
    assert refused(wrapped(path, b"\xff\xd8\xff", JPEGLosslessSV1)) == "unreadable-pixels"
    assert refused(wrapped(path, b"no picture at all", JPEG2000Lossless)) == "unreadable-pixels"
    assert asked == []


@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1], ids=lambda syntax: syntax.name
)
@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_a_shortened_codestream_gives_no_picture(tmp_path: Path, syntax: UID, keep: float) -> None:
    (path,) = write_series(tmp_path, HU[:1], BitsStored=12, HighBit=11)
    if syntax == JPEGLosslessSV1:
        by_gdcm(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    else:
        edit([path], lambda data: compress(data, syntax))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert refused(path) in ("unreadable-pixels", "broken-header")  # cut in the file
    path.write_bytes(whole)
    with open_elements(path) as elements:
        elements.stream.seek((elements.pixel_data_offset or 0) + 8)
        item = elements.stream.read(8)
        frame = elements.stream.read(struct.unpack("<L", item[4:])[0])
    assert (
        refused(wrapped(path, frame[: int(len(frame) * keep)], syntax)) == "unreadable-pixels"
    )  # cut inside


@pytest.mark.parametrize("ending", ["cut", "half", "zeros"])
def test_whole_fragments_without_their_delimiter_are_read(tmp_path: Path, ending: str) -> None:
    paths = write_series(tmp_path, HU)
    edit(paths, lambda data: compress(data, RLELossless))
    for path in paths:
        content = path.read_bytes()
        assert content[-8:] == b"\xfe\xff\xdd\xe0" + bytes(4)
        kept = {"cut": content[:-8], "half": content[:-5], "zeros": content[:-8] + bytes(8)}
        path.write_bytes(kept[ending])
    np.testing.assert_array_equal(load(tmp_path)[0], HU)


def test_a_cut_fragment_is_refused(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU[:1])
    edit(paths, lambda data: compress(data, RLELossless))
    paths[0].write_bytes(paths[0].read_bytes()[:-20])
    assert refused(paths[0]) == "unreadable-pixels"
