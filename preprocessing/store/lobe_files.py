"""The lobe file of a scan: a table, then one compressed chunk per lobe, each with a checksum.

    uint32 lobes, CRC-32 of the table
    table: per lobe uint32 bytes of its chunk, CRC-32 of its chunk
    chunks: Blosc, uint16 [4, 256, 256]: planes i-1, i, i+1; distance in the low byte, mask bits in the high

All numbers are little endian. A chunk's checksum is verified before it is decompressed, so damaged data never
reaches the decompressor.
"""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import blosc2
import numpy as np
from numpy.typing import NDArray

from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import CROP_SIZE

_CHUNK = (4, CROP_SIZE, CROP_SIZE)
_WORD = np.dtype("<u4")
_ENTRY = 2 * _WORD.itemsize
_MASK, _SEMI_INFECTION = 1, 2  # mask bits
# Byte shuffling lets LZ4 drop the upper bytes; level and filter by measurement, see docs/decisions/0012.
_COMPRESSION = {
    "codec": blosc2.Codec.LZ4,
    "clevel": 5,
    "filters": [blosc2.Filter.SHUFFLE],
    "typesize": 2,
    "blocksize": 2 * CROP_SIZE * CROP_SIZE,  # one plane
    "splitmode": blosc2.SplitMode.NEVER_SPLIT,
    "nthreads": 1,
}


class DamagedFileError(Exception):
    """A lobe file is damaged: a checksum is wrong, or bytes are missing."""


def encode_lobes(arrays: LobeArrays) -> bytes:
    """The bytes of the lobe file of `arrays`.

    Compressed in memory, so that a full disk is reported by our own write and not inside a library.
    """
    chunks = []
    for number in range(len(arrays.images)):
        planes = np.empty(_CHUNK, "<u2")
        planes[:3] = arrays.images[number]
        planes[3] = arrays.mask[number] * _MASK + arrays.semi_infection[number] * _SEMI_INFECTION
        planes[3] = planes[3] << 8 | arrays.distance[number]
        chunks.append(blosc2.compress2(planes, **_COMPRESSION))
    table = np.array([(len(chunk), zlib.crc32(chunk)) for chunk in chunks], _WORD).tobytes()
    head = np.array([len(chunks), zlib.crc32(table)], _WORD).tobytes()
    return b"".join([head, table, *chunks])


def read_lobes(path: Path, numbers: Sequence[int]) -> LobeArrays:
    """The lobes `numbers` of a file, in the requested order.

    Raises IndexError for an unknown lobe, DamagedFileError, and OSError.
    """
    planes = np.empty((len(numbers), *_CHUNK), "<u2")
    handle = os.open(path, os.O_RDONLY)
    try:
        table = _read_table(handle)
        ends = _ENTRY + table.nbytes + np.cumsum(table[:, 0], dtype=np.int64)
        for place, number in enumerate(numbers):
            if not 0 <= number < len(table):
                raise IndexError(f"lobe {number} of {len(table)}")
            size, checksum = table[number].tolist()
            chunk = _read(handle, size, int(ends[number]) - size)
            if zlib.crc32(chunk) != checksum:
                raise DamagedFileError(f"the checksum of lobe {number} is wrong")
            blosc2.decompress2(chunk, dst=planes[place], nthreads=1)
    finally:
        os.close(handle)
    labels = planes[:, 3]
    mask, semi_infection = ((labels & bit << 8).astype(np.bool_) for bit in (_MASK, _SEMI_INFECTION))
    return LobeArrays(planes[:, :3], mask, labels.astype(np.uint8), semi_infection)


def _read_table(handle: int) -> NDArray[np.uint32]:
    """Bytes and checksum per lobe, uint32 [lobe, 2]."""
    lobes, checksum = np.frombuffer(_read(handle, _ENTRY, 0), _WORD).tolist()
    table = _read(handle, lobes * _ENTRY, _ENTRY)
    if (
        not lobes or zlib.crc32(table) != checksum
    ):  # in a file of zeros the checksum of an empty table is correct
        raise DamagedFileError("the table's checksum is wrong")
    return np.frombuffer(table, _WORD).reshape(lobes, 2)


def _read(handle: int, size: int, start: int) -> bytes:
    if start + size > os.fstat(handle).st_size:  # checked first: a damaged size may be 4 GB
        raise DamagedFileError("the file is cut off")
    return os.pread(handle, size, start)
