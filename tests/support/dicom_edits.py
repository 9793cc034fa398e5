"""Changes tags, encoding and codestream of the files of a series, and reads them."""

from pathlib import Path

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
)

from preprocessing.reading.elements import open_elements
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume


def load(folder: Path) -> tuple[NDArray[np.int16], NDArray[np.bool_], tuple[str, ...]]:
    (series,) = find_series(folder).accepted
    volume = load_volume(series)
    return volume.hu, volume.padding, series.flags


def edit(paths: list[Path], change: object) -> None:
    """Change each file's dataset with `change(data)`."""
    for path in paths:
        data = dcmread(path)
        change(data)  # type: ignore[operator]
        data.save_as(path)


def compress(data: Dataset, syntax: UID) -> None:
    data.compress(syntax, generate_instance_uid=False)


def by_gdcm(path: Path, syntax: int) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def one_frame(path: Path) -> NDArray[np.integer]:
    with open_elements(path) as elements:
        ((values, _),) = stored_frames(elements, PixelFormat.from_elements(elements), [0])
    return values


def wrapped(path: Path, codestream: bytes, syntax: UID, **tags: object) -> Path:
    """The file at `path` with another codestream in it."""
    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([codestream])
    data["PixelData"].is_undefined_length = True
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path)
    return path


def refused(path: Path) -> str:
    with pytest.raises(FileRefusedError) as refusal:
        one_frame(path)
    return refusal.value.code
