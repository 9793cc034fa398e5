"""Locates the data elements of one DICOM file without interpreting them (PS3.5 7.1).

A folder may hold 100,000 files of which some twenty elements each are needed. Skipping the others takes a
tenth of the time of reading a dataset, in bounded memory. Values are interpreted elsewhere; functional groups
and pixel data are left to pydicom.
"""

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from preprocessing.reading.file_meta import (
    LONG_VRS,
    MAX_VALUE_BYTES,
    Encoding,
    dataset_encoding,
    read_file_meta,
)
from preprocessing.reading.number_text import strict_number
from preprocessing.reading.read_buffer import ReadBuffer
from preprocessing.reading.refusals import FileRefusedError

_KEYWORDS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality",
    "ImageType", "BodyPartExamined", "ContrastBolusAgent", "SliceThickness", "CTDIvol", "Exposure",
    "ConvolutionKernel", "PatientPosition", "AcquisitionNumber", "TemporalPositionIdentifier",
    "ReconstructionDiameter", "Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "RescaleType",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "LossyImageCompression", "SeriesDescription",
    "PatientName", "PatientBirthDate", "PatientSex",
    "TriggerTime", "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase",
    "NominalCardiacTriggerDelayTime", "KVP", "FilterType", "SeriesNumber", "IrradiationEventUID",
    "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime",
    "ProtocolName", "XRayTubeCurrent", "StackID", "StudyDate", "SpecificCharacterSet", "Manufacturer",
)  # fmt: skip
# A longer value than any of these can have is a broken header; of other attributes it is ignored.
_STRICT = frozenset(
    int(Tag(keyword))
    for keyword in (
        "Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
        "SamplesPerPixel", "PhotometricInterpretation", "PixelSpacing", "ImagePositionPatient",
        "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "RescaleType", "SOPClassUID",
        "Modality",
    )
)  # fmt: skip
_TAGS = {keyword: int(Tag(keyword)) for keyword in _KEYWORDS}
_WANTED = frozenset(_TAGS.values())
_PIXELS, _OTHER_PIXELS = 0x7FE00010, (0x7FE00008, 0x7FE00009)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF

_MAX_ELEMENTS = 1_000_000
_MAX_DEPTH = 32
MAX_INFLATED_BYTES = 64 << 20


@dataclass(frozen=True)
class Elements:
    """Raw values of the wanted elements of one file, and the offsets of dataset and pixel data in `stream`.

    `pixel_data_offset` is the offset of PixelData's value, None if absent; `pixel_data_length` is None for
    encapsulated pixel data. `overlay_in_pixels`: an overlay is stored in unused bits of the pixels.
    `media_class` is MediaStorageSOPClassUID.
    """

    stream: BinaryIO
    size: int
    dataset_offset: int
    values: dict[int, bytes]
    encoding: Encoding
    pixel_data_offset: int | None
    pixel_data_length: int | None
    overlay_in_pixels: bool
    media_class: str = ""

    @property
    def syntax(self) -> str:
        """The transfer syntax by which pixels are read."""
        return self.encoding.syntax

    @property
    def little_endian(self) -> bool:
        """Byte order of values and uncompressed pixel data."""
        return self.encoding.little_endian

    def raw(self, keyword: str) -> bytes:
        """Value as it is stored, empty if absent."""
        return self.values.get(_TAGS[keyword], b"")

    def text(self, keyword: str) -> str:
        """Value without padding, "" if absent or empty."""
        return self.raw(keyword).decode("latin-1").strip(" \0")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Values of a multi-valued text element, without padding."""
        text = self.text(keyword)
        return tuple(value.strip() for value in text.split("\\")) if text else ()

    def unsigned(self, keyword: str) -> int | None:
        """Value of a 16-bit element (US, or SS as its two's complement), None if absent.

        Some writers store it as text or in more bytes.
        """
        value = self.values.get(_TAGS[keyword], b"")
        if len(value) < 2:
            return None
        text = strict_or_none(value) if len(value) > 2 else None
        if text is not None:
            return int(text) & 0xFFFF
        return int(struct.unpack("<H" if self.little_endian else ">H", value[:2])[0])

    def double(self, keyword: str) -> float | None:
        """Value of a 32-bit or 64-bit float element, also where it is stored as text; None if absent or
        malformed.
        """
        value = self.values.get(_TAGS[keyword], b"")
        text, kind = strict_or_none(value), {4: "f", 8: "d"}.get(len(value))
        if text is not None or kind is None:
            return text
        return float(struct.unpack(("<" if self.little_endian else ">") + kind, value)[0])


def strict_or_none(value: bytes) -> float | None:
    """The number that the bytes of a value spell, or None."""
    try:
        return strict_number(value.decode("latin-1").strip(" \0"))
    except ValueError:
        return None


@contextmanager
def open_elements(path: Path) -> Iterator[Elements]:
    """The elements of the file at `path`, open for reading pixel data. Raises FileRefusedError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileRefusedError("not-a-file")
        with path.open("rb", buffering=0) as file:
            yield read_elements(file)
    except OSError:
        raise FileRefusedError("file-unreadable") from None


def read_elements(file: BinaryIO) -> Elements:
    """Locate one file's elements up to its pixel data.

    Raises FileRefusedError `empty-file`, `not-dicom`, `no-preamble`, `dicomdir`, `implausible-size`,
    `broken-header`.
    """
    stream = file
    try:
        at, meta = read_file_meta(ReadBuffer(stream))
        if meta.syntax == DeflatedExplicitVRLittleEndian:
            stream, at = _inflate(stream, at), 0
        read_buffer = ReadBuffer(stream)
        encoding = dataset_encoding(read_buffer, at, meta.syntax)
        walk = _ElementWalk(read_buffer, explicit=encoding.explicit, little=encoding.little_endian)
        offset, length = walk.walk_to_pixel_data(at)
    except (struct.error, zlib.error, IndexError):
        raise FileRefusedError("broken-header") from None
    return Elements(
        stream, read_buffer.size, at, walk.values, encoding, offset, length, walk.overlay, meta.media_class
    )


def _inflate(stream: BinaryIO, at: int) -> BinaryIO:
    """The inflated dataset of a deflated file (PS3.5 A.5), at most MAX_INFLATED_BYTES."""
    stream.seek(at)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = BytesIO()
    while not inflater.eof and (chunk := inflater.unconsumed_tail or stream.read(1 << 16)):
        out.write(inflater.decompress(chunk, 1 << 20))
        if out.tell() > MAX_INFLATED_BYTES:
            raise FileRefusedError("implausible-size", "a deflated file that inflates without limit")
    return out


class _ElementWalk:
    """One pass over a dataset's elements."""

    def __init__(self, read_buffer: ReadBuffer, *, explicit: bool, little: bool) -> None:
        self._buffer, self._explicit, self._left = read_buffer, explicit, _MAX_ELEMENTS
        order = "<" if little else ">"
        self._short, self._long = struct.Struct(order + "HH2sH"), struct.Struct(order + "L")
        self._implicit = struct.Struct(order + "HHL")
        self.values: dict[int, bytes] = {}
        self.overlay = False

    def walk_to_pixel_data(self, at: int) -> tuple[int | None, int | None]:
        """Collect the wanted values from offset `at` on; returns offset and length of PixelData's value."""
        read_buffer = self._buffer
        while at < read_buffer.size:
            tag, length, at = self._element(at, self._explicit)
            if tag in (_PIXELS, *_OTHER_PIXELS):
                return (at if tag == _PIXELS else None), (None if length == _UNDEFINED else length)
            if length == _UNDEFINED:
                at = self._skip_items(at, self._explicit, 0)
                continue
            if tag in _WANTED and (length <= MAX_VALUE_BYTES or tag in _STRICT):
                self.values[tag] = self._value(at, length)
            elif tag & 0xFF00FFFF == 0x60000102 and self._value(at, length).strip(b"\0"):
                self.overlay = True
            at += length
        if at > read_buffer.size:
            raise FileRefusedError("broken-header", "it ends inside an element")
        return None, None

    def _value(self, at: int, length: int) -> bytes:
        if length > MAX_VALUE_BYTES or at + length > self._buffer.size:
            raise FileRefusedError("broken-header", "an element is longer than its kind can be")
        buffer, offset = self._buffer.at(at, length)
        return buffer[offset : offset + length]

    def _element(self, at: int, explicit: bool) -> tuple[int, int, int]:
        """(tag, value length, value offset) of the element at offset `at`."""
        self._left -= 1
        if self._left < 0:
            raise FileRefusedError("implausible-size", f"more than {_MAX_ELEMENTS} elements")
        buffer, offset = self._buffer.at(at, 12)
        group, element, vr, length = self._short.unpack_from(buffer, offset)
        if explicit and vr in LONG_VRS:
            return group << 16 | element, self._long.unpack_from(buffer, offset + 8)[0], at + 12
        # Some writers use implicit VR inside an explicit dataset; items have no VR (PS3.5 7.5).
        if not explicit or group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
            length = self._implicit.unpack_from(buffer, offset)[2]
        return group << 16 | element, length, at + 8

    def _skip_items(self, at: int, explicit: bool, depth: int) -> int:
        """Offset after the sequence of undefined length that starts at `at`."""
        if depth > _MAX_DEPTH:
            raise FileRefusedError("broken-header", "sequences are nested too deeply")
        while True:
            tag, length, at = self._element(at, explicit)
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise FileRefusedError("broken-header", "a sequence holds an element that is not an item")
            at = at + length if length != _UNDEFINED else self._skip_item(at, explicit, depth)

    def _skip_item(self, at: int, explicit: bool, depth: int) -> int:
        while True:
            buffer, offset = self._buffer.at(at, 6)
            unknown = buffer[offset + 4 : offset + 6] == b"UN"  # contains implicit VR (PS3.5 6.2.2)
            tag, length, at = self._element(at, explicit)
            if tag == _ITEM_END:
                return at
            nested = explicit and not unknown
            at = at + length if length != _UNDEFINED else self._skip_items(at, nested, depth + 1)
