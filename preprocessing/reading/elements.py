"""The elements of one DICOM file, found without being interpreted (PS3.5 7.1).

A folder holds 100,000 files, and all but some twenty elements of each are skipped. So they are walked over
here in a tenth of the time that reading a dataset takes, in memory that no file can enlarge. What the
values mean is decided elsewhere; functional groups and pixels are left to pydicom.
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

_READ = 1 << 14  # bytes read at a time: most headers are shorter
_LONGEST_VALUE = 1 << 12  # of a wanted element
_MOST_ELEMENTS = 1_000_000
_DEEPEST = 32
LARGEST_INFLATED = 64 << 20


@dataclass(frozen=True)
class Elements:
    """The wanted values of one file as its bytes hold them, and where dataset and pixels are in `stream`.

    `pixels_at` is where the value of PixelData begins, None where there is none; `pixels_length` is None
    for encapsulated pixels. `overlay_in_pixels`: an overlay lies in unused bits of the pixels.
    """

    stream: BinaryIO
    size: int
    dataset_at: int
    values: dict[int, bytes]
    syntax: str
    pixels_at: int | None
    pixels_length: int | None
    overlay_in_pixels: bool

    @property
    def little_endian(self) -> bool:
        """Byte order of values and uncompressed pixels."""
        return self.syntax != ExplicitVRBigEndian

    def text(self, keyword: str) -> str:
        """Value without padding, "" where it is absent or empty."""
        return self.values.get(_TAGS[keyword], b"").decode("latin-1").strip(" \0")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Values of a multi-valued text element, without padding."""
        text = self.text(keyword)
        return tuple(value.strip() for value in text.split("\\")) if text else ()

    def unsigned(self, keyword: str) -> int | None:
        """Value of a 16-bit element (US, or SS as its two's complement), None where absent."""
        value = self.values.get(_TAGS[keyword], b"")
        return int(struct.unpack("<H" if self.little_endian else ">H", value[:2])[0]) if value else None

    def double(self, keyword: str) -> float | None:
        """Value of a 64-bit float element, None where absent."""
        value = self.values.get(_TAGS[keyword], b"")
        return float(struct.unpack("<d" if self.little_endian else ">d", value[:8])[0]) if value else None


@contextmanager
def opened(path: Path) -> Iterator[Elements]:
    """The elements of the file at `path`, open for reading pixels. Raises FileRefusedError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileRefusedError("not-a-file")
        with path.open("rb", buffering=0) as file:
            yield read_elements(file)
    except OSError:
        raise FileRefusedError("file-unreadable") from None


def read_elements(file: BinaryIO) -> Elements:
    """Walk over one file's elements up to its pixels.

    Raises FileRefusedError `empty-file`, `not-dicom`, `no-preamble`, `dicomdir`, `implausible-size`,
    `broken-header`.
    """
    stream = file
    try:
        at, meta = _meta(_Window(stream))
        syntax = meta.get(_SYNTAX, b"").decode("latin-1").strip(" \0")
        if syntax == DeflatedExplicitVRLittleEndian:
            stream, at = _inflated(stream, at), 0
        window = _Window(stream)
        walk = _Walk(window, explicit=syntax != ImplicitVRLittleEndian, little=syntax != ExplicitVRBigEndian)
        pixels_at, pixels_length = walk.to_pixels(at)
    except (struct.error, zlib.error, IndexError):
        raise FileRefusedError("broken-header") from None
    return Elements(stream, window.size, at, walk.values, syntax, pixels_at, pixels_length, walk.overlay)


class _Window:
    """A stretch of a stream in memory that moves along with the reading."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.start, self.bytes = stream, 0, b""
        self.size = stream.seek(0, os.SEEK_END)

    def at(self, place: int, length: int) -> tuple[bytes, int]:
        """Bytes, and where in them the `length` bytes at `place` begin; fewer where the stream ends."""
        offset = place - self.start
        if offset < 0 or offset + length > len(self.bytes):
            self.stream.seek(place)
            self.start, self.bytes, offset = place, self.stream.read(max(length, _READ)), 0
        return self.bytes, offset


def _meta(window: _Window) -> tuple[int, dict[int, bytes]]:
    """Where the dataset begins, and the file meta information (PS3.10 7.1)."""
    head, _ = window.at(0, 132)
    if not head:
        raise FileRefusedError("empty-file")
    if head[128:132] != b"DICM":
        bare = head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00"
        raise FileRefusedError("no-preamble" if bare else "not-dicom")
    at, values = 132, {}
    while True:
        buffer, offset = window.at(at, 12)
        if buffer[offset : offset + 2] != b"\x02\x00":
            break
        group, element, vr, length = struct.unpack_from("<HH2sH", buffer, offset)
        at += 8
        if vr in _LONG:
            (length,) = struct.unpack_from("<L", buffer, offset + 8)
            at += 4
        if length > _LONGEST_VALUE and (group << 16 | element) in (_SYNTAX, _MEDIA_CLASS):
            raise FileRefusedError("broken-header")
        if length <= _LONGEST_VALUE:
            buffer, offset = window.at(at, length)
            values[group << 16 | element] = buffer[offset : offset + length]
        at += length
    if values.get(_MEDIA_CLASS, b"").strip(b"\0 ") == b"1.2.840.10008.1.3.10":
        raise FileRefusedError("dicomdir")
    if _SYNTAX not in values:
        raise FileRefusedError("broken-header", "no TransferSyntaxUID")
    return at, values


def _inflated(stream: BinaryIO, at: int) -> BinaryIO:
    """The dataset of a deflated file (PS3.5 A.5), at most LARGEST_INFLATED bytes of it."""
    stream.seek(at)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = BytesIO()
    while not inflater.eof and (chunk := inflater.unconsumed_tail or stream.read(1 << 16)):
        out.write(inflater.decompress(chunk, 1 << 20))
        if out.tell() > LARGEST_INFLATED:
            raise FileRefusedError("implausible-size", "a small deflated file that grows without end")
    return out


class _Walk:
    """One walk over a dataset's elements."""

    def __init__(self, window: _Window, *, explicit: bool, little: bool) -> None:
        self._window, self._explicit, self._left = window, explicit, _MOST_ELEMENTS
        order = "<" if little else ">"
        self._short, self._long = struct.Struct(order + "HH2sH"), struct.Struct(order + "L")
        self._implicit = struct.Struct(order + "HHL")
        self.values: dict[int, bytes] = {}
        self.overlay = False

    def to_pixels(self, at: int) -> tuple[int | None, int | None]:
        """Collect the wanted values from `at` on; where PixelData's value begins and its length."""
        window = self._window
        while at < window.size:
            tag, length, at = self._element(at, self._explicit)
            if tag in (_PIXELS, *_OTHER_PIXELS):
                return (at if tag == _PIXELS else None), (None if length == _UNDEFINED else length)
            if length == _UNDEFINED:
                at = self._past_items(at, self._explicit, 0)
                continue
            if tag in _WANTED:
                self.values[tag] = self._value(at, length)
            elif tag & 0xFF00FFFF == 0x60000102 and self._value(at, length).strip(b"\0"):
                self.overlay = True
            at += length
        if at > window.size:
            raise FileRefusedError("broken-header", "it ends in the middle of an element")
        return None, None

    def _value(self, at: int, length: int) -> bytes:
        if length > _LONGEST_VALUE or at + length > self._window.size:
            raise FileRefusedError("broken-header", "an element is longer than its kind can be")
        buffer, offset = self._window.at(at, length)
        return buffer[offset : offset + length]

    def _element(self, at: int, explicit: bool) -> tuple[int, int, int]:
        """Tag and length of the element at `at`, and where its value begins."""
        self._left -= 1
        if self._left < 0:
            raise FileRefusedError("implausible-size", f"more than {_MOST_ELEMENTS} elements")
        buffer, offset = self._window.at(at, 12)
        group, element, vr, length = self._short.unpack_from(buffer, offset)
        if explicit and vr in _LONG:
            return group << 16 | element, self._long.unpack_from(buffer, offset + 8)[0], at + 12
        # Some writers fall back to implicit VR inside an explicit dataset; items never have a VR.
        if not explicit or group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
            length = self._implicit.unpack_from(buffer, offset)[2]
        return group << 16 | element, length, at + 8

    def _past_items(self, at: int, explicit: bool, depth: int) -> int:
        """Where the sequence of undefined length that begins at `at` ends."""
        if depth > _DEEPEST:
            raise FileRefusedError("broken-header", "sequences are nested without end")
        while True:
            tag, length, at = self._element(at, explicit)
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise FileRefusedError("broken-header", "a sequence holds something that is no item")
            at = at + length if length != _UNDEFINED else self._past_item(at, explicit, depth)

    def _past_item(self, at: int, explicit: bool, depth: int) -> int:
        while True:
            buffer, offset = self._window.at(at, 6)
            unknown = buffer[offset + 4 : offset + 6] == b"UN"  # holds implicit VR (PS3.5 6.2.2)
            tag, length, at = self._element(at, explicit)
            if tag == _ITEM_END:
                return at
            nested = explicit and not unknown
            at = at + length if length != _UNDEFINED else self._past_items(at, nested, depth + 1)
