"""The file meta information of a DICOM file (PS3.10 7.1), and how its dataset is really encoded."""

import struct
from dataclasses import dataclass

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from preprocessing.reading.read_buffer import ReadBuffer
from preprocessing.reading.refusals import FileRefusedError

MAX_VALUE_BYTES = 1 << 12  # of a wanted element
LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
     b"SS", b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
_SYNTAX, _MEDIA_CLASS = 0x00020010, 0x00020002
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_ARCHIVES = (b"PK\3\4", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


@dataclass(frozen=True)
class FileMeta:
    """TransferSyntaxUID and MediaStorageSOPClassUID, "" if absent."""

    syntax: str
    media_class: str


@dataclass(frozen=True)
class Encoding:
    """How a dataset is encoded: `syntax` for its pixels, and whether its elements name their VR."""

    syntax: str
    explicit: bool
    little_endian: bool


def read_file_meta(read_buffer: ReadBuffer) -> tuple[int, FileMeta]:
    """Offset of the dataset, and the file meta information.

    Raises FileRefusedError `empty-file`, `archive`, `not-dicom`, `no-preamble`, `dicomdir` or
    `broken-header`.
    """
    head, _ = read_buffer.at(0, 132)
    if not head:
        raise FileRefusedError("empty-file")
    if head[128:132] != b"DICM":
        if head.startswith(_ARCHIVES) or _is_tar(read_buffer):
            raise FileRefusedError("archive")
        bare = head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00"
        raise FileRefusedError("no-preamble" if bare else "not-dicom")
    at, values = _read_values(read_buffer, 132)
    syntax, media_class = (
        values.get(tag, b"").decode("latin-1").strip(" \0") for tag in (_SYNTAX, _MEDIA_CLASS)
    )
    if media_class == _MEDIA_STORAGE_DIRECTORY:
        raise FileRefusedError("dicomdir")
    if _SYNTAX not in values:
        raise FileRefusedError("broken-header", "no TransferSyntaxUID")
    return at, FileMeta(syntax, media_class)


def _is_tar(read_buffer: ReadBuffer) -> bool:
    buffer, offset = read_buffer.at(257, 5)
    return buffer[offset : offset + 5] == b"ustar"


def _read_values(read_buffer: ReadBuffer, at: int) -> tuple[int, dict[int, bytes]]:
    values: dict[int, bytes] = {}
    while True:
        buffer, offset = read_buffer.at(at, 12)
        if buffer[offset : offset + 2] != b"\x02\x00":
            return at, values
        group, element, vr, length = struct.unpack_from("<HH2sH", buffer, offset)
        at += 8
        if vr in LONG_VRS:
            (length,) = struct.unpack_from("<L", buffer, offset + 8)
            at += 4
        if length > MAX_VALUE_BYTES and (group << 16 | element) in (_SYNTAX, _MEDIA_CLASS):
            raise FileRefusedError("broken-header")
        if length <= MAX_VALUE_BYTES:
            buffer, offset = read_buffer.at(at, length)
            values[group << 16 | element] = buffer[offset : offset + length]
        at += length


def dataset_encoding(read_buffer: ReadBuffer, at: int, syntax: str) -> Encoding:
    """How the dataset at offset `at` is encoded: as its first element shows, whatever `syntax` says.

    Writers that change the encoding of a dataset forget its meta information. Groups below 0x0100 come
    first, so the first two bytes show the byte order; a VR is two capitals where a length would be.
    """
    buffer, offset = read_buffer.at(at, 8)
    head = buffer[offset : offset + 8]
    if len(head) < 8 or (head[0] == 0) == (head[1] == 0):
        little, explicit = syntax != ExplicitVRBigEndian, syntax != ImplicitVRLittleEndian
    else:
        little, explicit = head[1] == 0, head[4:6] in LONG_VRS or head[4:6] in _SHORT_VRS
    if syntax in _PLAIN:
        syntax = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
        syntax = syntax if little else ExplicitVRBigEndian
    elif syntax == DeflatedExplicitVRLittleEndian and not explicit:
        raise FileRefusedError("broken-header")
    return Encoding(str(syntax), explicit, little)
