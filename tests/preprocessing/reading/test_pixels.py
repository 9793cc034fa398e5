"""Stored values become Hounsfield units, whatever the encoding, the bits, the padding and the slice."""

import struct
from pathlib import Path

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from preprocessing.reading.elements import open_elements
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from shared_model.errors import PneumofedError
from tests.support.chests import SLICE_MM, chest, ellipse, write_series

HU, _ = chest(10, 32)


def load(folder: Path) -> tuple[NDArray[np.int16], NDArray[np.bool_], tuple[str, ...]]:
    (series,) = find_series(folder).accepted
    volume = load_volume(series)
    return volume.hu, volume.padding, series.flags


def edit(paths: list[Path], change: object) -> None:
    """Change each file's dataset with `change(data)`."""
    for path in paths:
        data = dcmread(path)
        change(data)  # type: ignore[operator]
        data.save_as(path)


def compress(data: Dataset, syntax: UID) -> None:
    data.compress(syntax, generate_instance_uid=False)


def by_gdcm(path: Path, syntax: int) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


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


def one_frame(path: Path) -> NDArray[np.integer]:
    with open_elements(path) as elements:
        ((values, _),) = stored_frames(elements, PixelFormat.from_elements(elements), [0])
    return values


def wrapped(path: Path, codestream: bytes, syntax: UID, **tags: object) -> Path:
    """The file at `path` with another codestream in it."""
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([codestream])
    data["PixelData"].is_undefined_length = True
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path)
    return path


def test_high_throughput_jpeg_2000(tmp_path: Path) -> None:
    """A codestream written once by OpenJPH, of a pattern that is computed here again."""
    codestream = (Path(__file__).parent / "encoded" / "htj2k.j2c").read_bytes()
    row, column = np.mgrid[:48, :64]
    pattern = (row * 97 + column * 31 + (row * column) % 53) % 4096
    path = wrapped(write_series(tmp_path, HU[:1])[0], codestream, HTJ2KLossless, Rows=48, Columns=64)
    np.testing.assert_array_equal(one_frame(path), pattern)


def refused(path: Path) -> str:
    with pytest.raises(FileRefusedError) as refusal:
        one_frame(path)
    return refusal.value.code


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


def test_each_slice_has_its_own_slope_and_intercept(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)

    def change(data: Dataset) -> None:
        number = int(data.InstanceNumber)
        data.RescaleSlope, data.RescaleIntercept = [(1, -1024), (0.5, -1100), (2, -1030.5)][number % 3]

    edit(paths, change)
    hu, _, _ = load(tmp_path)
    for path in paths:
        data = dcmread(path)
        expected = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        place = round(float(data.ImagePositionPatient[2]) / SLICE_MM)
        np.testing.assert_allclose(hu[place], expected, atol=0.5)


def test_sixteen_bits_do_not_overflow(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    edit(paths, lambda data: data.__setattr__("PixelData", struct.pack("<H", 65535) + data.PixelData[2:]))
    assert (load(tmp_path)[0][:, 0, 0] == 32767).all()  # 64511 HU, held to 16 bits; never negative


def test_an_overlay_in_unused_bits_does_not_change_hu(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, BitsStored=12, HighBit=11)

    def draw(data: Dataset) -> None:
        words = np.frombuffer(data.PixelData, "<u2").copy()
        words[::3] |= 0x8000
        words[::5] |= 0x1000
        data.PixelData = words.tobytes()
        data.add_new(0x60000100, "US", 16)
        data.add_new(0x60000102, "US", 15)

    edit(paths, draw)
    np.testing.assert_array_equal(load(tmp_path)[0], HU)
    edit(paths, lambda data: data.__delitem__(0x60000102))
    (series,) = find_series(tmp_path).accepted
    with pytest.raises(PneumofedError) as error:
        load_volume(series)
    assert error.value.code == "stray-bits"


def test_bits_above_a_signed_number_may_repeat_its_sign_or_be_zero(tmp_path: Path) -> None:
    def clear(data: Dataset) -> None:
        data.PixelData = (np.frombuffer(data.PixelData, "<u2") & 0x0FFF).tobytes()

    write_series(tmp_path / "a", HU, signed=True, intercept=0, BitsStored=12, HighBit=11)
    edit(write_series(tmp_path / "b", HU, signed=True, intercept=0, BitsStored=12, HighBit=11), clear)
    np.testing.assert_array_equal(load(tmp_path / "a")[0], HU)
    np.testing.assert_array_equal(load(tmp_path / "b")[0], HU)


def test_monochrome1_is_flagged_and_hu_stay(tmp_path: Path) -> None:
    write_series(tmp_path, HU, PhotometricInterpretation="MONOCHROME1")
    hu, _, flags = load(tmp_path)
    assert flags == ("monochrome1",)
    np.testing.assert_array_equal(hu, HU)


SIZE = 64
ROUND = ~ellipse(SIZE, 0.5, 0.5, 0.5, 0.5)  # outside the field of view


def round_chest(value: int) -> NDArray[np.int16]:
    hu, _ = chest(10, SIZE)
    hu[:, ROUND] = value
    return hu


@pytest.mark.parametrize(
    ("value", "signed", "tags"),
    [
        (-3024, True, {}),  # -2000 stored, intercept -1024, and no tag: the habit of one maker
        (-2000, True, {}),
        (-1024, True, {}),  # looks like air, but ends at a circle
        (-3024, True, {"PixelPaddingValue": -2000}),
        (-1024, False, {"PixelPaddingValue": 0}),
        (-1022, False, {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 4}),
        (31744, False, {"PixelPaddingValue": 32768}),
    ],
)
def test_padding_is_masked_announced_or_not(
    tmp_path: Path, value: int, signed: bool, tags: dict[str, object]
) -> None:
    write_series(tmp_path, round_chest(value), signed=signed, **tags)
    hu, padding, _ = load(tmp_path)
    expected = np.broadcast_to(ROUND, hu.shape)
    if tags:  # what has the announced value is padding wherever it is
        expected = hu <= -1020 if value == -1022 else hu == value
    np.testing.assert_array_equal(padding, expected)


def test_padding_given_with_the_wrong_sign_is_understood(tmp_path: Path) -> None:
    paths = write_series(tmp_path, round_chest(-1100), signed=True, intercept=0, PixelPaddingValue=-1100)
    edit(paths, lambda data: data.add_new("PixelPaddingValue", "US", 65536 - 1100))
    assert load(tmp_path)[1][:, ROUND].all()


def test_padding_beyond_bits_stored_is_padding_and_not_bone(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, BitsStored=12, HighBit=11)

    def pad(data: Dataset) -> None:
        words = np.frombuffer(data.PixelData, "<u2").copy()
        words[:20] = 63536
        data.PixelData = words.tobytes()

    edit(paths, pad)
    _, padding, _ = load(tmp_path)
    assert padding[:, 0, :20].all() and padding.sum() == 20 * len(HU)


def test_noise_free_air_in_a_square_field_is_no_padding(tmp_path: Path) -> None:
    hu, _ = chest(10, SIZE, noise=0)
    write_series(tmp_path, hu)
    assert not load(tmp_path)[1].any()


def test_copies_of_values_that_only_the_circle_tells_apart(tmp_path: Path) -> None:
    """Inside the circle, air of the very value of the padding was measured."""
    hu = round_chest(-1024)
    hu[:, 30, 30] = -1024
    write_series(tmp_path, hu)
    _, padding, _ = load(tmp_path)
    assert not padding[:, 30, 30].any()
