"""How a file stores its pixels, and the stored values of its frames (PS3.3 C.7.6.3, C.7.5.1.1.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.elements import Elements
from preprocessing.reading.encapsulation import DECODERS, decode, frame_bytes, require_complete
from preprocessing.reading.refusals import FileRefusedError

MOST_PIXELS = 2048 * 2048  # of one slice
MOST_VOXELS = 640 * 512 * 512  # of one file: HU and padding of so many take 480 MiB
_PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")


@dataclass(frozen=True)
class PixelFormat:
    """The Image Pixel module's attributes. `padding` is (least, greatest) stored value, or None."""

    rows: int
    columns: int
    frames: int
    bits_stored: int
    high_bit: int
    signed: bool
    padding: tuple[int, int] | None
    overlay: bool

    @classmethod
    def of(cls, elements: Elements) -> "PixelFormat":
        """Raises FileRefusedError where these are no CT's pixels or the file does not hold them all."""
        unsigned = elements.unsigned
        rows, columns = unsigned("Rows") or 0, unsigned("Columns") or 0
        if rows < 1 or columns < 1 or elements.pixels_at is None:
            raise FileRefusedError("not-an-image")
        frames = int(elements.text("NumberOfFrames") or 1)
        if rows * columns > MOST_PIXELS or frames * rows * columns > MOST_VOXELS:
            raise FileRefusedError("implausible-size", f"{frames} images of {rows} x {columns} pixels")
        stored, allocated = unsigned("BitsStored") or 0, unsigned("BitsAllocated") or 0
        if (unsigned("SamplesPerPixel") or 1) != 1:
            raise FileRefusedError("colour")
        if stored <= 8 or elements.syntax in _EIGHT_BIT:
            raise FileRefusedError("eight-bit")
        high = unsigned("HighBit")
        high = stored - 1 if high is None else high
        if allocated != 16 or not stored - 1 <= high <= 15 or frames < 1:
            raise FileRefusedError("bit-depth", f"{stored} of {allocated} bits")
        signed = unsigned("PixelRepresentation") == 1
        padding = _padding(elements, signed)
        found = cls(rows, columns, frames, stored, high, signed, padding, elements.overlay_in_pixels)
        found._require_all(elements)
        return found

    @property
    def frame_length(self) -> int:
        """Bytes of one frame without compression."""
        return self.rows * self.columns * 2

    @property
    def stored_range(self) -> tuple[int, int]:
        """Least and greatest value that BitsStored can hold."""
        half = 1 << (self.bits_stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    def _require_all(self, elements: Elements) -> None:
        if elements.syntax in DECODERS:
            require_complete(elements, self.frames, self.frame_length)
        elif elements.syntax not in _PLAIN:
            raise FileRefusedError("unknown-encoding")
        else:
            needed = self.frames * self.frame_length
            there = min(elements.pixels_length or 0, elements.size - (elements.pixels_at or 0))
            if there < needed:
                raise FileRefusedError("unreadable-pixels", f"{there} of {needed} bytes")


_EIGHT_BIT = ("1.2.840.10008.1.2.4.50",)  # JPEG Baseline


def _padding(elements: Elements, signed: bool) -> tuple[int, int] | None:
    """The announced padding values; some writers give them as US where pixels are signed."""
    value, limit = elements.unsigned("PixelPaddingValue"), elements.unsigned("PixelPaddingRangeLimit")
    if value is None:
        return None
    limit = value if limit is None else limit
    low, high = (number - 0x10000 if signed and number > 0x7FFF else number for number in (value, limit))
    return min(low, high), max(low, high)


def stored_frames(
    elements: Elements, form: PixelFormat, numbers: Iterable[int]
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.bool_] | None]]:
    """Stored values, int16 or uint16 [row, column], and announced padding (bool, or None) of some frames.

    Raises FileRefusedError `unreadable-pixels`, `eight-bit` or `stray-bits`.
    """
    for number in numbers:
        words = _plain_frame(elements, form, number)
        if words is None:
            data = frame_bytes(elements, number, form.frames)
            words = decode(data, elements.syntax, form.rows, form.columns, form.bits_stored, form.signed)
        yield _values(words, form)


def _plain_frame(elements: Elements, form: PixelFormat, number: int) -> NDArray[np.uint16] | None:
    if elements.syntax in DECODERS:
        return None
    elements.stream.seek((elements.pixels_at or 0) + number * form.frame_length)
    data = elements.stream.read(form.frame_length)
    if len(data) < form.frame_length:
        raise FileRefusedError("unreadable-pixels")
    words = np.frombuffer(data, "<u2" if elements.little_endian else ">u2")
    return words.astype(np.uint16, copy=False).reshape(form.rows, form.columns)


def _values(
    words: NDArray[np.uint16], form: PixelFormat
) -> tuple[NDArray[np.integer], NDArray[np.bool_] | None]:
    """Numbers in BitsStored bits of 16-bit words, and which are padding."""
    whole = words.view(np.int16) if form.signed else words
    padding = None if form.padding is None else _within(whole, *form.padding)
    if form.bits_stored == 16:
        return whole, padding
    shift, mask = np.uint16(form.high_bit + 1 - form.bits_stored), np.uint16((1 << form.bits_stored) - 1)
    values: NDArray[np.integer] = (words >> shift) & mask
    if form.signed:
        sign = 1 << (form.bits_stored - 1)
        values = ((values.astype(np.int32) ^ sign) - sign).astype(np.int16)
    if padding is not None and form.padding is not None:
        padding = padding | _within(values, *form.padding)
    stray = _stray(words, values, form)
    if stray is not None:
        padding = stray if padding is None else padding | stray
    return values, padding


def _stray(
    words: NDArray[np.uint16], values: NDArray[np.integer], form: PixelFormat
) -> NDArray[np.bool_] | None:
    """Padding written beyond BitsStored, or None. Bits that nothing explains are refused, `stray-bits`."""
    if form.overlay:
        return None
    shift = np.uint16(form.high_bit + 1 - form.bits_stored)
    bits = values.view(np.uint16)
    plain = words == ((bits & np.uint16((1 << form.bits_stored) - 1)) << shift)
    stray = ~(plain | (words == bits)) if shift == 0 else ~plain
    if not stray.any():
        return None
    beyond = words[stray]
    if (beyond != beyond[0]).any():
        raise FileRefusedError("stray-bits")
    return stray


def _within(values: NDArray[np.integer], low: int, high: int) -> NDArray[np.bool_]:
    return values == low if low == high else (values >= low) & (values <= high)
