"""Decodes compressed frames (PS3.5 A.4), after checking that they are complete and of the header's size.

A codestream declares its own size, and decoders allocate what it declares: a small file could request all
memory. So the declared size is checked before decoding.
"""

import logging
import os
import struct
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from preprocessing.reading.elements import Elements
from preprocessing.reading.jpeg_extended import decode_extended
from preprocessing.reading.refusals import FileRefusedError

_EXTENDED = "1.2.840.10008.1.2.4.51"
_JPEG, _JPEG_LS, _JPEG_2000 = "jpeg", "jpeg-ls", "jpeg-2000"
# Transfer syntax UID: (codestream family, pydicom decoding plugin); see docs/decisions/0061.
DECODERS = {
    "1.2.840.10008.1.2.5": ("rle", "pylibjpeg"),
    _EXTENDED: (_JPEG, "gdcm"),  # extended, 12 bits, lossy
    "1.2.840.10008.1.2.4.57": (_JPEG, "gdcm"),  # lossless
    "1.2.840.10008.1.2.4.70": (_JPEG, "gdcm"),
    "1.2.840.10008.1.2.4.80": (_JPEG_LS, "pyjpegls"),
    "1.2.840.10008.1.2.4.81": (_JPEG_LS, "pyjpegls"),  # near-lossless
    "1.2.840.10008.1.2.4.90": (_JPEG_2000, "pylibjpeg"),
    "1.2.840.10008.1.2.4.91": (_JPEG_2000, "pylibjpeg"),  # may be lossy
    "1.2.840.10008.1.2.4.201": (_JPEG_2000, "pylibjpeg"),  # high throughput
    "1.2.840.10008.1.2.4.202": (_JPEG_2000, "pylibjpeg"),
    "1.2.840.10008.1.2.4.203": (_JPEG_2000, "pylibjpeg"),
}
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_CUT_END = _END + bytes(4)
_SPARE = 1 << 16  # bytes a compressed frame may exceed twice its uncompressed length by
_NOT_FRAME_HEADERS = (0xC4, 0xC8, 0xCC)  # among JPEG's markers C0 to CF (DHT, JPG, DAC)


def require_complete_fragments(elements: Elements, frames: int, frame_length: int) -> int:
    """The offset at which the fragments end, after checking that all lie in the file and are not too large.

    The file may end with the last fragment, or with zeros, instead of the delimiter: nothing is lost then.
    Raises FileRefusedError `unreadable-pixels` or `implausible-size`.
    """
    at, stream, left = elements.pixel_data_offset or 0, elements.stream, frames * (2 * frame_length + _SPARE)
    fragments = -1  # the first item is the offset table
    while True:
        stream.seek(at)
        head = stream.read(8)
        if head[:4] == _END or (fragments >= frames and (_CUT_END.startswith(head) or not any(head))):
            return at
        if len(head) < 8 or head[:4] != _ITEM:
            raise FileRefusedError("unreadable-pixels", "compressed pixels end too early")
        (length,) = struct.unpack("<L", head[4:])
        at, left, fragments = at + 8 + length, left - 8 - length, fragments + 1
        if left < 0:
            raise FileRefusedError("implausible-size", "compressed pixels are larger than uncompressed ones")
        if at > elements.size:
            raise FileRefusedError("unreadable-pixels", "compressed pixels end too early")


def read_frame(elements: Elements, number: int, frames: int) -> bytes:
    """Codestream of frame `number` (0-based) of `frames`. Raises FileRefusedError `unreadable-pixels`."""
    start = elements.pixel_data_offset or 0
    try:
        return get_frame(_delimited(elements, start, frames), number, number_of_frames=frames)
    except Exception:  # offset tables can be wrong in many ways
        raise FileRefusedError("unreadable-pixels") from None


def _delimited(elements: Elements, start: int, frames: int) -> BinaryIO:
    """The stream at the fragments; a copy of them with a delimiter if the file ends without one."""
    stream = elements.stream
    stream.seek(-8, os.SEEK_END)
    if stream.read(8).strip(b"\0"):  # a delimiter, or the last fragment's end
        stream.seek(start)
        return stream
    end = require_complete_fragments(elements, frames, elements.size)
    stream.seek(start)
    return BytesIO(stream.read(end - start) + _END + bytes(4))


def decode_frame(
    data: bytes, syntax: str, rows: int, columns: int, bits_stored: int, signed: bool
) -> NDArray[np.uint16]:
    """Decode one compressed frame to its stored 16-bit words, uint16 [row, column].

    Raises FileRefusedError `unreadable-pixels`, or `eight-bit` if the codestream has 8 bits or fewer.
    """
    family, plugin = DECODERS[syntax]
    if family != "rle":
        _check_codestream_size(data, family, rows, columns)
    options: dict[str, Any] = {
        "rows": rows, "columns": columns, "samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": 16, "bits_stored": bits_stored, "pixel_representation": int(signed),
        "number_of_frames": 1, "pixel_keyword": "PixelData",
    }  # fmt: skip
    if family == "rle":
        options["correct_unused_bits"] = False  # checked in pixels.py
    logging.getLogger("pydicom").disabled = True  # a decoder's message may quote the file
    try:
        if syntax == _EXTENDED:
            return decode_extended(data, rows, columns)
        found, _ = get_decoder(UID(syntax)).as_array(
            encapsulate([data]), index=0, raw=True, decoding_plugin=plugin, **options
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # decoders raise arbitrary errors; a Rust panic is no Exception
        raise FileRefusedError("unreadable-pixels") from None
    if found.shape != (rows, columns) or found.dtype.itemsize != 2:
        raise FileRefusedError("unreadable-pixels", "the decoded size or depth differs from the header's")
    return found.view(np.uint16)


def _check_codestream_size(data: bytes, family: str, rows: int, columns: int) -> None:
    """Check that the codestream declares the header's size, one component and more than 8 bits."""
    try:
        size = _jpeg_2000_size(data) if family == _JPEG_2000 else _jpeg_size(data)
    except (struct.error, IndexError):
        raise FileRefusedError("unreadable-pixels", "no image in the compressed pixels") from None
    if size[:2] != (rows, columns) or size[2] != 1:
        raise FileRefusedError("unreadable-pixels", "the codestream's size differs from the header's")
    if size[3] <= 8:
        raise FileRefusedError("eight-bit")


def _jpeg_size(data: bytes) -> tuple[int, int, int, int]:
    """(rows, columns, components, bits) of a JPEG or JPEG-LS codestream, from its frame header."""
    at = 2
    while True:
        mark, marker, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF:
            raise FileRefusedError("unreadable-pixels", "no image in the compressed pixels")
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAME_HEADERS):
            bits, rows, columns, components = struct.unpack_from(">BHHB", data, at + 4)
            return rows, columns, components, bits
        else:
            at += 2 + length


def _jpeg_2000_size(data: bytes) -> tuple[int, int, int, int]:
    """(rows, columns, components, bits) of a JPEG 2000 codestream, from its SIZ segment."""
    start = data.find(b"\xff\x4f\xff\x51")  # some writers wrap the codestream into a JP2 file
    if start < 0 or start > 1 << 12:
        raise FileRefusedError("unreadable-pixels", "no image in the compressed pixels")
    right, bottom, left, top = struct.unpack_from(">4L", data, start + 8)
    components, bits = struct.unpack_from(">HB", data, start + 40)
    return bottom - top, right - left, components, (bits & 0x7F) + 1
