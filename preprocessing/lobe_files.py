"""The two compressed arrays of a study on disk: one chunk a lobe."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import blosc2
import numpy as np
from numpy.typing import NDArray

IMAGES, LABELS = "images.b2nd", "labels.b2nd"
_SHAPES = {IMAGES: ((3, 256, 256), np.uint16), LABELS: ((2, 256, 256), np.uint8)}
_OPEN = 64  # array files a thread keeps open at most
# LZ4 reads twice as fast as zstd for a third more bytes; bit shuffling drops the 4 bits nobody uses.
_COMPRESSION = {
    "codec": blosc2.Codec.LZ4,
    "clevel": 5,
    "filters": [blosc2.Filter.BITSHUFFLE],
    "nthreads": 1,
}


def encode_lobes(images: NDArray[np.uint16], labels: NDArray[np.uint8]) -> dict[str, bytes]:
    """File name -> content for images uint16 [lobe, 3, 256, 256] and labels uint8 [lobe, 2, 256, 256].

    Compressed in memory, so that a full disk is met by our own writing and not inside the library.
    """
    content = {}
    for name, array in ((IMAGES, images), (LABELS, labels)):
        shape, dtype = _SHAPES[name]
        compressed = blosc2.asarray(
            np.ascontiguousarray(array, dtype),
            chunks=(1, *shape),
            blocks=(1, 1, *shape[1:]),  # whole planes, so a chunk decompresses into plain C order
            cparams=_COMPRESSION,
            contiguous=True,
        )
        content[name] = compressed.to_cframe()
    return content


class LobeReader:
    """Reads single lobes. Each thread keeps its own few files open: a decompressor is not shared."""

    def __init__(self) -> None:
        self._local = threading.local()

    def __reduce__(self) -> tuple[type["LobeReader"], tuple[()]]:
        return type(self), ()  # open files do not travel to other processes

    def read(self, folder: Path, numbers: Sequence[int]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Images uint16 [n, 3, 256, 256] and labels uint8 [n, 2, 256, 256] of the lobes `numbers`.

        Raises IndexError for a number that is not there, OSError or RuntimeError for a damaged file.
        """
        images, labels = (
            np.empty((len(numbers), *shape), dtype) for shape, dtype in (_SHAPES[IMAGES], _SHAPES[LABELS])
        )
        for name, target in ((IMAGES, images), (LABELS, labels)):
            array = self._open(folder / name)
            for place, number in enumerate(numbers):
                if not 0 <= number < array.shape[0]:
                    raise IndexError(f"lobe {number} of {array.shape[0]}")
                array.schunk.decompress_chunk(number, dst=target[place])
        return images, labels

    def _open(self, path: Path) -> blosc2.NDArray:
        known: OrderedDict[Path, blosc2.NDArray] | None = getattr(self._local, "arrays", None)
        if known is None or self._local.process != os.getpid():  # a fork shares no open file
            known = self._local.arrays = OrderedDict()
            self._local.process = os.getpid()
        if path not in known:
            known[path] = blosc2.open(str(path), mode="r", dparams={"nthreads": 1})
            if len(known) > _OPEN:
                known.popitem(last=False)
        known.move_to_end(path)
        return known[path]
