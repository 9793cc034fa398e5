"""Reads the stored pixel values and announced padding of a file's frames (PS3.3 C.7.6.3, C.7.5.1.1.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.decoding import decode_apart
from preprocessing.reading.elements import Elements
from preprocessing.reading.encapsulation import DECODERS, read_frame, require_complete_fragments
from preprocessing.reading.number_text import lenient_number
from preprocessing.reading.refusals import FileRefusedError

MAX_PIXELS = 2048 * 2048  # of one slice
MAX_VOXELS = 640 * 512 * 512  # of one file: HU and padding of this many take 480 MiB
_GREY = ("", "MONOCHROME1", "MONOCHROME2")
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")


@dataclass(frozen=True)
class PixelFormat:
    """The Image Pixel module (PS3.3 C.7.6.3); `padding` is the announced range (min, max) of stored values,
    or None.
    """

    rows: int
    columns: int
    frames: int
    bits_stored: int
    high_bit: int
    signed: bool
    padding: tuple[int, int] | None
    overlay: bool

    @classmethod
    def from_elements(cls, elements: Elements) -> "PixelFormat":
        """The format of a file's pixels. Raises FileRefusedError if it is not a CT's or the pixel data is
        incomplete.
        """
        unsigned = elements.unsigned
        rows, columns = unsigned("Rows") or 0, unsigned("Columns") or 0
        if rows < 1 or columns < 1 or elements.pixel_data_offset is None:
            raise FileRefusedError("not-an-image")
        frames = int(lenient_number(elements.text("NumberOfFrames") or "1") or 0)
        if rows * columns > MAX_PIXELS or frames * rows * columns > MAX_VOXELS:
            raise FileRefusedError("implausible-size", f"{frames} images of {rows} x {columns} pixels")
        stored, allocated = unsigned("BitsStored") or 0, unsigned("BitsAllocated") or 0
        interpretation = elements.text("PhotometricInterpretation").upper()
        if (unsigned("SamplesPerPixel") or 1) != 1 or interpretation not in _GREY:
            raise FileRefusedError("colour")
        if stored <= 8 or elements.syntax in _EIGHT_BIT:
            raise FileRefusedError("eight-bit")
        high = unsigned("HighBit")
        high = stored - 1 if high is None else high
        if allocated != 16 or not stored - 1 <= high <= 15 or frames < 1:
            raise FileRefusedError("bit-depth", f"{stored} of {allocated} bits")
        representation = unsigned("PixelRepresentation")
        if representation not in (0, 1):
            raise FileRefusedError("broken-header", "PixelRepresentation is neither 0 nor 1")
        signed = representation == 1
        padding = _padding(elements, signed)
        found = cls(rows, columns, frames, stored, high, signed, padding, elements.overlay_in_pixels)
        found._require_complete(elements)
        return found

    @property
    def frame_length(self) -> int:
        """Bytes of one uncompressed frame."""
        return self.rows * self.columns * 2

    @property
    def stored_range(self) -> tuple[int, int]:
        """Minimum and maximum value of BitsStored bits."""
        half = 1 << (self.bits_stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    def _require_complete(self, elements: Elements) -> None:
        if _is_compressed(elements):
            require_complete_fragments(elements, self.frames, self.frame_length)
        elif elements.syntax not in (*_UNCOMPRESSED, *DECODERS):
            raise FileRefusedError("unknown-encoding")
        else:
            needed = self.frames * self.frame_length
            there = min(elements.pixel_data_length or 0, elements.size - (elements.pixel_data_offset or 0))
            if there < needed:
                raise FileRefusedError("unreadable-pixels", f"{there} of {needed} bytes")
            if self.frames == 1 and there - needed >= 2 * min(self.rows, self.columns):
                raise FileRefusedError("unreadable-pixels", f"{there} bytes where {needed} are announced")
            if elements.syntax in DECODERS and there - needed > 1:
                raise FileRefusedError("unreadable-pixels", "compressed pixels are not encapsulated")


def _is_compressed(elements: Elements) -> bool:
    """Whether pixels are encapsulated. Decompressed files may still name the compressed syntax, but their
    pixel data then has a length.
    """
    return elements.syntax in DECODERS and elements.pixel_data_length is None


_EIGHT_BIT = ("1.2.840.10008.1.2.4.50",)  # JPEG Baseline


def _padding(elements: Elements, signed: bool) -> tuple[int, int] | None:
    """(min, max) of the announced padding; some writers encode it as US although pixels are signed."""
    value, limit = elements.unsigned("PixelPaddingValue"), elements.unsigned("PixelPaddingRangeLimit")
    if value is None:
        return None
    limit = value if limit is None else limit
    low, high = (number - 0x10000 if signed and number > 0x7FFF else number for number in (value, limit))
    return min(low, high), max(low, high)


def stored_frames(
    elements: Elements, pixel_format: PixelFormat, numbers: Iterable[int]
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.bool_] | None]]:
    """Yield stored values, int16 or uint16 [row, column], and announced padding (bool or None) of frames
    `numbers`.

    Raises FileRefusedError `unreadable-pixels`, `eight-bit` or `stray-bits`.
    """
    for number in numbers:
        words = _uncompressed_frame(elements, pixel_format, number)
        if words is None:
            data = read_frame(elements, number, pixel_format.frames)
            words = decode_apart(
                data,
                elements.syntax,
                pixel_format.rows,
                pixel_format.columns,
                pixel_format.bits_stored,
                pixel_format.signed,
            )
        yield _values(words, pixel_format)


def _uncompressed_frame(
    elements: Elements, pixel_format: PixelFormat, number: int
) -> NDArray[np.uint16] | None:
    if _is_compressed(elements):
        return None
    elements.stream.seek((elements.pixel_data_offset or 0) + number * pixel_format.frame_length)
    data = elements.stream.read(pixel_format.frame_length)
    if len(data) < pixel_format.frame_length:
        raise FileRefusedError("unreadable-pixels")
    words = np.frombuffer(data, "<u2" if elements.little_endian else ">u2")
    return words.astype(np.uint16, copy=False).reshape(pixel_format.rows, pixel_format.columns)


def _values(
    words: NDArray[np.uint16], pixel_format: PixelFormat
) -> tuple[NDArray[np.integer], NDArray[np.bool_] | None]:
    """Values in the BitsStored bits of 16-bit words, and which of them are padding."""
    whole = words.view(np.int16) if pixel_format.signed else words
    padding = None if pixel_format.padding is None else _in_range(whole, *pixel_format.padding)
    if pixel_format.bits_stored == 16:
        return whole, padding
    shift, mask = (
        np.uint16(pixel_format.high_bit + 1 - pixel_format.bits_stored),
        np.uint16((1 << pixel_format.bits_stored) - 1),
    )
    values: NDArray[np.integer] = (words >> shift) & mask
    if pixel_format.signed:
        sign = 1 << (pixel_format.bits_stored - 1)
        values = ((values.astype(np.int32) ^ sign) - sign).astype(np.int16)
    if padding is not None and pixel_format.padding is not None:
        padding = padding | _in_range(values, *pixel_format.padding)
    stray = _stray_bits_mask(words, values, pixel_format)
    if stray is not None:
        padding = stray if padding is None else padding | stray
    return values, padding


def _stray_bits_mask(
    words: NDArray[np.uint16], values: NDArray[np.integer], pixel_format: PixelFormat
) -> NDArray[np.bool_] | None:
    """Padding encoded beyond BitsStored, or None. Raises FileRefusedError `stray-bits` for other set bits."""
    if pixel_format.overlay:
        return None
    shift = np.uint16(pixel_format.high_bit + 1 - pixel_format.bits_stored)
    bits = values.view(np.uint16)
    plain = words == ((bits & np.uint16((1 << pixel_format.bits_stored) - 1)) << shift)
    stray = ~(plain | (words == bits)) if shift == 0 else ~plain
    if not stray.any():
        return None
    beyond = words[stray]
    if (beyond != beyond[0]).any():
        raise FileRefusedError("stray-bits")
    return stray


def _in_range(values: NDArray[np.integer], low: int, high: int) -> NDArray[np.bool_]:
    return values == low if low == high else (values >= low) & (values <= high)
