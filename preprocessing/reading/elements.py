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
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from preprocessing.reading.refusals import FileRefusedError

_KEYWORDS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality",
    "ImageType", "BodyPartExamined", "ContrastBolusAgent", "SliceThickness", "CTDIvol", "Exposure",
    "ConvolutionKernel", "PatientPosition", "AcquisitionNumber", "TemporalPositionIdentifier",
    "ReconstructionDiameter", "Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "RescaleType",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "LossyImageCompression",
)  # fmt: skip
_TAGS = {keyword: int(Tag(keyword)) for keyword in _KEYWORDS}
_WANTED = frozenset(_TAGS.values())
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SYNTAX, _MEDIA_CLASS = 0x00020010, 0x00020002
_PIXELS, _OTHER_PIXELS = 0x7FE00010, (0x7FE00008, 0x7FE00009)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF

_READ = 1 << 14  # bytes read at once: most headers are shorter
_MAX_VALUE_BYTES = 1 << 12  # of a wanted element
_MAX_ELEMENTS = 1_000_000
_MAX_DEPTH = 32
MAX_INFLATED_BYTES = 64 << 20


@dataclass(frozen=True)
class Elements:
    """Raw values of the wanted elements of one file, and the offsets of dataset and pixel data in `stream`.

    `pixel_data_offset` is the offset of PixelData's value, None if absent; `pixel_data_length` is None for
    encapsulated pixel data. `overlay_in_pixels`: an overlay is stored in unused bits of the pixels.
    """

    stream: BinaryIO
    size: int
    dataset_offset: int
    values: dict[int, bytes]
    syntax: str
    pixel_data_offset: int | None
    pixel_data_length: int | None
    overlay_in_pixels: bool

    @property
    def little_endian(self) -> bool:
        """Byte order of values and uncompressed pixel data."""
        return self.syntax != ExplicitVRBigEndian

    def text(self, keyword: str) -> str:
        """Value without padding, "" if absent or empty."""
        return self.values.get(_TAGS[keyword], b"").decode("latin-1").strip(" \0")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Values of a multi-valued text element, without padding."""
        text = self.text(keyword)
        return tuple(value.strip() for value in text.split("\\")) if text else ()

    def unsigned(self, keyword: str) -> int | None:
        """Value of a 16-bit element (US, or SS as its two's complement), None if absent."""
        value = self.values.get(_TAGS[keyword], b"")
        return int(struct.unpack("<H" if self.little_endian else ">H", value[:2])[0]) if value else None

    def double(self, keyword: str) -> float | None:
        """Value of a 64-bit float element, None if absent."""
        value = self.values.get(_TAGS[keyword], b"")
        return float(struct.unpack("<d" if self.little_endian else ">d", value[:8])[0]) if value else None


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
        at, meta = _read_file_meta(_ReadBuffer(stream))
        syntax = meta.get(_SYNTAX, b"").decode("latin-1").strip(" \0")
        if syntax == DeflatedExplicitVRLittleEndian:
            stream, at = _inflate(stream, at), 0
        read_buffer = _ReadBuffer(stream)
        walk = _ElementWalk(
            read_buffer, explicit=syntax != ImplicitVRLittleEndian, little=syntax != ExplicitVRBigEndian
        )
        offset, length = walk.walk_to_pixel_data(at)
    except (struct.error, zlib.error, IndexError):
        raise FileRefusedError("broken-header") from None
    return Elements(stream, read_buffer.size, at, walk.values, syntax, offset, length, walk.overlay)


class _ReadBuffer:
    """A part of a stream in memory that follows the position of reading."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.start, self.bytes = stream, 0, b""
        self.size = stream.seek(0, os.SEEK_END)

    def at(self, place: int, length: int) -> tuple[bytes, int]:
        """(bytes, offset): the buffer, and where in it `length` bytes at stream position `place` begin;
        fewer at its end.
        """
        offset = place - self.start
        if offset < 0 or offset + length > len(self.bytes):
            self.stream.seek(place)
            self.start, self.bytes, offset = place, self.stream.read(max(length, _READ)), 0
        return self.bytes, offset


def _read_file_meta(read_buffer: _ReadBuffer) -> tuple[int, dict[int, bytes]]:
    """Offset of the dataset, and the file meta information (PS3.10 7.1)."""
    head, _ = read_buffer.at(0, 132)
    if not head:
        raise FileRefusedError("empty-file")
    if head[128:132] != b"DICM":
        bare = head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00"
        raise FileRefusedError("no-preamble" if bare else "not-dicom")
    at, values = 132, {}
    while True:
        buffer, offset = read_buffer.at(at, 12)
        if buffer[offset : offset + 2] != b"\x02\x00":
            break
        group, element, vr, length = struct.unpack_from("<HH2sH", buffer, offset)
        at += 8
        if vr in _LONG:
            (length,) = struct.unpack_from("<L", buffer, offset + 8)
            at += 4
        if length > _MAX_VALUE_BYTES and (group << 16 | element) in (_SYNTAX, _MEDIA_CLASS):
            raise FileRefusedError("broken-header")
        if length <= _MAX_VALUE_BYTES:
            buffer, offset = read_buffer.at(at, length)
            values[group << 16 | element] = buffer[offset : offset + length]
        at += length
    if values.get(_MEDIA_CLASS, b"").strip(b"\0 ") == b"1.2.840.10008.1.3.10":
        raise FileRefusedError("dicomdir")
    if _SYNTAX not in values:
        raise FileRefusedError("broken-header", "no TransferSyntaxUID")
    return at, values


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

    def __init__(self, read_buffer: _ReadBuffer, *, explicit: bool, little: bool) -> None:
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
            if tag in _WANTED:
                self.values[tag] = self._value(at, length)
            elif tag & 0xFF00FFFF == 0x60000102 and self._value(at, length).strip(b"\0"):
                self.overlay = True
            at += length
        if at > read_buffer.size:
            raise FileRefusedError("broken-header", "it ends inside an element")
        return None, None

    def _value(self, at: int, length: int) -> bytes:
        if length > _MAX_VALUE_BYTES or at + length > self._buffer.size:
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
        if explicit and vr in _LONG:
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
