"""Published 8-bit CT images with their labels, patients and normalised crops."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.published_crop import chest_crop, lungs_of
from shared_model.errors import PneumofedError


@dataclass(frozen=True)
class CtImage:
    """One published image.

    pixels: uint8 [row, column] of any size; crop: uint8 [256, 256]; lungs: the lungs in the crop, bool [256,
    256].
    """

    name: str
    patient: str
    covid: bool
    pixels: NDArray[np.uint8]
    crop: NDArray[np.uint8]
    lungs: NDArray[np.bool_]

    @classmethod
    def of(cls, name: str, patient: str, covid: bool, pixels: NDArray[np.uint8]) -> Self:
        """The image with its crop and lungs found."""
        crop = chest_crop(pixels)
        return cls(name, patient, covid, pixels, crop, lungs_of(crop))


def read_images(folder: Path) -> list[CtImage]:
    """The images in `images/` that `labels.csv` (image, covid, patient) of a folder lists.

    Raises PneumofedError `images-unreadable` if a file is missing or cannot be read.
    """
    try:
        with (folder / "labels.csv").open(newline="") as table:
            return [_read(folder, row) for row in csv.DictReader(table)]
    except (OSError, KeyError, ValueError) as error:
        reason = f"{folder} needs labels.csv (image, covid 0 or 1, patient) and images/: {error!r}"
        raise PneumofedError("images-unreadable", reason) from error


def _read(folder: Path, row: dict[str, str]) -> CtImage:
    with Image.open(folder / "images" / row["image"]) as image:
        pixels = np.asarray(image.convert("L"))
    covid = {"0": False, "1": True}[row["covid"]]
    return CtImage.of(row["image"], row["patient"], covid, pixels)
