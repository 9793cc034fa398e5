"""viewing.zip: one scan for a viewer, slice by slice, read without torch and without the other slices.

    scan.json                   `ViewedScan`
    hu/0000                     little-endian int16 [row, column], HU
    labels/0000                 uint8 [row, column]: 0 outside, 1 right, 2 left lung, 3 and 4 where infected
    attention/diseased/0000     uint8 [row, column]: attention in (0, 1) as 0 to 255, 0 outside the lobes
    attention/covid/0000        the same of the other network

Slices from the feet, rows from the front, columns from the patient's right, as everywhere: the right lung is
at the image's left. client/diagnosis/viewing_output.py writes it.
"""

import os
import struct
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from client.diagnosis.result_names import VIEWING
from shared_model.constants import TASKS, Task
from shared_model.errors import PneumofedError

SCAN = "scan.json"
LAYERS = ("hu", "labels", *(f"attention/{task}" for task in TASKS))
"""What each slice has; "hu" is the scan itself, the others are the model's."""
FULL_ATTENTION = 255
"""How an attention of 1 is stored."""

_OPEN_FILES = 8  # of which the directories are kept: about 1 MB each for 300 slices
# Of gzip (RFC 1952): magic, deflate, no flags, no time, fastest, unknown system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LOCAL_HEADER = 30  # bytes before the name in a zip's local header; its last two fields are lengths

Box = tuple[int, int, int, int]


class ViewedScan(BaseModel):
    """scan.json. `boxes` and `greatest_attention` are the model's, the rest is the scan's geometry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    shape: tuple[int, int, int]
    """Slices, rows, columns."""
    spacing_mm: tuple[float, float, float]
    """Between slices, rows, columns."""
    z_mm: tuple[float, ...]
    boxes: tuple[tuple[Box, ...], ...]
    """Of each slice, (row0, column0, row1, column1), ends excluded."""
    greatest_attention: dict[Task, float]
    """Of the whole scan, by network: where a colour scale ends."""

    @property
    def full_attention(self) -> dict[Task, float]:
        """The same as it is stored in the layers."""
        return {task: FULL_ATTENTION * greatest for task, greatest in self.greatest_attention.items()}


def layer_file(layer: str, index: int) -> str:
    """The name in the zip of one of LAYERS of a slice."""
    return f"{layer}/{index:04d}"


class ViewingFile:
    """An open viewing.zip; several threads may read it at once."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self.scan = ViewedScan.model_validate_json(self._zip.read(SCAN))

    def gzipped(self, layer: str, index: int) -> bytes:
        """A layer of a slice as gzip, which browsers unpack: the bytes of the file, not unpacked here.

        Raises PneumofedError `not-found` if the scan has no such slice or layer.
        """
        try:
            entry = self._zip.getinfo(layer_file(layer, index))
        except KeyError:
            raise PneumofedError("not-found", "the scan has no such slice; open its page again") from None
        lengths = struct.unpack("<HH", self._at(entry.header_offset + _LOCAL_HEADER - 4, 4))
        packed = self._at(entry.header_offset + _LOCAL_HEADER + sum(lengths), entry.compress_size)
        return _GZIP_HEADER + packed + struct.pack("<II", entry.CRC, entry.file_size & 0xFFFFFFFF)

    def _at(self, offset: int, size: int) -> bytes:
        """Bytes of the file, without moving the place at which another thread reads."""
        if self._zip.fp is None:
            raise ValueError("the file is closed")
        return os.pread(self._zip.fp.fileno(), size, offset)


def open_viewing_file(results: Path) -> ViewingFile:
    """viewing.zip of the diagnosis in the folder `results`; kept open for the next call.

    Raises PneumofedError `not-found` if there is none, or none of this version's format.
    """
    path = results / VIEWING
    try:
        status = path.stat()
        return _opened(path, status.st_ino, status.st_mtime_ns)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        raise PneumofedError(
            "not-found", "the images of this scan are not there (yet): wait until it has been diagnosed"
        ) from None


@lru_cache(maxsize=_OPEN_FILES)
def _opened(path: Path, _inode: int, _changed: int) -> ViewingFile:
    """A file that was replaced is opened anew; one that is dropped closes once nobody reads it."""
    return ViewingFile(path)
