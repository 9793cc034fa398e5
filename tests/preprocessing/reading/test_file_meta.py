"""What the meta information says of the encoding counts less than the dataset's first element."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from preprocessing.reading.elements import open_elements
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import compress, edit, load
from tests.support.found_series import refusal_codes

HU, _ = chest(10, 32)
PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def say(path: Path, syntax: UID) -> None:
    """Change what the meta information says, without changing its length or anything after it."""
    content = path.read_bytes()
    written = dcmread(path).file_meta.TransferSyntaxUID
    old, new = (str(uid).encode() for uid in (written, syntax))
    length = len(old) + len(old) % 2
    padded = new.ljust(length, b"\0")
    if len(padded) > length:  # the meta information is read element by element: its group length is not used
        padded = new + b"\0" * (len(new) % 2)
    at = content.index(b"\x02\x00\x10\x00UI") + 6
    path.write_bytes(content[:at] + len(padded).to_bytes(2, "little") + padded + content[at + 2 + length :])


@pytest.mark.parametrize("says", PLAIN, ids=lambda uid: uid.name)
@pytest.mark.parametrize("written", PLAIN, ids=lambda uid: uid.name)
def test_a_dataset_is_read_as_it_is_encoded(tmp_path: Path, written: UID, says: UID) -> None:
    for path in write_series(tmp_path, HU):
        data = dcmread(path)
        data.file_meta.TransferSyntaxUID = written
        if written == ExplicitVRBigEndian:
            data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
        dcmwrite(path, data, implicit_vr=written == ImplicitVRLittleEndian, force_encoding=True,
                 little_endian=written != ExplicitVRBigEndian)  # fmt: skip
        say(path, says)
    np.testing.assert_array_equal(load(tmp_path)[0], HU)


def test_decompressed_pixels_are_read_whatever_syntax_is_still_named(tmp_path: Path) -> None:
    for path in write_series(tmp_path, HU):
        say(path, RLELossless)
    np.testing.assert_array_equal(load(tmp_path)[0], HU)


def test_compressed_pixels_in_an_implicit_dataset_are_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    edit(paths, lambda data: compress(data, RLELossless))
    for path in paths:
        with open_elements(path) as elements:
            assert elements.encoding.explicit and elements.media_class == CTImageStorage
    np.testing.assert_array_equal(load(tmp_path)[0], HU)


@pytest.mark.parametrize("gone", ["deleted", "blank"])
@pytest.mark.parametrize("meta", [True, False])
def test_the_meta_information_stands_in_for_a_missing_sop_class(
    tmp_path: Path, gone: str, meta: bool
) -> None:
    for path in write_series(tmp_path, HU):
        data = dcmread(path)
        if gone == "blank":
            data.SOPClassUID = ""
        else:
            del data.SOPClassUID
        if not meta:
            data.file_meta.MediaStorageSOPClassUID = ""
        data.save_as(path)
    if meta:
        np.testing.assert_array_equal(load(tmp_path)[0], HU)
    else:
        assert refusal_codes(tmp_path) == ["no-sop-class"]
