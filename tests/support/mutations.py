"""Files with damaged bytes, and the encodings of a series that they are tried in."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gdcm
import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from tests.support.dicom_edits import by_gdcm, edit


def mutated(content: bytes, rng: np.random.Generator, start: int, end: int) -> bytes:
    """`content` with one or a few bytes from `start` to `end` changed; now and then cut there, or longer."""
    changed = bytearray(content)
    for place in rng.integers(start, end, rng.choice([1, 1, 1, 2, 8])):
        changed[place] = rng.integers(256)
    kind = rng.integers(20)
    if kind == 0:  # cut
        return bytes(changed[: rng.integers(start, end)])
    if kind == 1:  # a byte more
        return bytes(changed[:start]) + bytes([rng.integers(256)]) + bytes(changed[start:])
    return bytes(changed)


def _jpeg(paths: Sequence[Path]) -> None:
    for path in paths:
        by_gdcm(path, gdcm.TransferSyntax.JPEGLosslessProcess14_1)


def _packed(syntax: UID) -> Callable[[Sequence[Path]], None]:
    def change(data: Dataset) -> None:
        data.compress(syntax, generate_instance_uid=False)

    return lambda paths: edit(list(paths), change)


ENCODINGS: dict[str, Callable[[Sequence[Path]], None]] = {
    "plain": lambda paths: None,
    "jpeg": _jpeg,
    "jpeg-2000": _packed(JPEG2000Lossless),
    "rle": _packed(RLELossless),
}
