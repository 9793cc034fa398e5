"""A window on a file in memory, so that small reads cost little."""

import os
from typing import BinaryIO

_READ = 1 << 14  # bytes read at once: most headers are shorter


class ReadBuffer:
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
