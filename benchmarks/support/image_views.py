"""Published images as a hospital's store of single-slice scans, each with many augmented views.

No patch has a semi-infection label, as 2.7.2 needs a scan's histogram: only the lobe loss can learn from
them.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.published_crop import LUNG, TISSUE
from benchmarks.support.published_images import CtImage
from preprocessing.lung_density import NORMAL_LUNG
from preprocessing.periphery import MAX_DISTANCE, periphery_distance
from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, Pseudonyms, ScanRecord
from shared_model.constants import FULL_SCALE
from shared_model.sampling import scan_generator

# Pixels along a view's edge. The networks take any multiple of 32; this one costs a quarter of 256.
EDGE = 128
VIEWS = 512  # of an image: more than training draws, so that few are repeated

# Limits of the uniform random changes of a view.
LOG_SCALE, SHIFT, DEGREES = 0.14, 0.06, 7.0  # of each axis; share of an edge; rotation
LOG_GAMMA, LOG_CONTRAST, BRIGHTNESS = 0.09, 0.06, 0.023  # of grey levels in 0..1
# Pixels of a lobe's crop in one of a view: lungs are some 300 mm wide, a scan's pixel 0.7 mm.
PIXELS = 300 / 0.7 / EDGE
LOBE_TISSUE = 1050  # grey value of tissue in a store's lobes, whose normal lung is at NORMAL_LUNG


def view(
    crop: NDArray[np.uint8], lungs: NDArray[np.bool_], draw: np.random.Generator
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Crop and lungs [EDGE, EDGE] with the same random shift, rotation, scale and flip.

    Returns grey values 0..2048, of random contrast, and lungs.
    """

    def stray(limit: float) -> float:
        return float(draw.uniform(-limit, limit))

    middle = (EDGE - 1) / 2
    turn = cv2.getRotationMatrix2D((0, 0), stray(DEGREES), 1.0)[:, :2]
    stretch = np.diag(np.exp([stray(LOG_SCALE), stray(LOG_SCALE)]) * [draw.choice([-1, 1]), 1])
    move = turn @ stretch
    shift = middle + EDGE * np.array([stray(SHIFT), stray(SHIFT)]) - move @ [middle, middle]
    affine = np.column_stack([move, shift])
    moved = cv2.warpAffine(crop, affine, (EDGE, EDGE), borderMode=cv2.BORDER_REPLICATE)
    moved_lungs = cv2.warpAffine(lungs.view(np.uint8), affine, (EDGE, EDGE), flags=cv2.INTER_NEAREST)
    tones = (np.arange(256) / 255) ** np.exp(stray(LOG_GAMMA))
    tones = (tones - 0.5) * np.exp(stray(LOG_CONTRAST)) + 0.5 + stray(BRIGHTNESS)
    return as_in_lobes(255 * tones.clip(0, 1))[moved], moved_lungs.view(np.bool_)


def as_in_lobes(grey: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Grey levels of crops as values 0..2048, with lung and tissue at the values of a store's lobes."""
    values = NORMAL_LUNG + (grey - LUNG) * ((LOBE_TISSUE - NORMAL_LUNG) / (TISSUE - LUNG))
    return np.round(values.clip(0, FULL_SCALE)).astype(np.uint16)


class ViewStore(LobeStore):
    """Images as a hospital's prepared scans in memory: each a scan whose slices are views of one image.

    Drawing slice lobes thus draws views. A view depends only on the image's name and the view's number. All
    images are in the training split.
    """

    def __init__(self, images: Sequence[CtImage]) -> None:
        super().__init__(Path(), DEFAULT_SETTINGS, Pseudonyms(bytes(32)))
        self._images = {image.name: image for image in images}
        self._small = {image.name: _shrunk(image) for image in images}

    def scans(self) -> list[ScanRecord]:
        return [_record(image) for _, image in sorted(self._images.items())]

    def read(self, key: str, lobes: Sequence[int]) -> LobeArrays:
        """The views of these numbers; all three planes are the same slice.

        Tissue around the lungs stays visible: with black in its place the AUC is lower (docs/decisions/0095).
        """
        crop, lungs = self._small[key]
        views = [view(crop, lungs, scan_generator("view", key, int(number))) for number in lobes]
        images = np.repeat(np.stack([values for values, _ in views])[:, None], 3, axis=1)
        masks = np.stack([mask for _, mask in views])
        distances = np.stack([periphery_distance(mask) for mask in masks])
        distances = np.minimum(distances * PIXELS, MAX_DISTANCE).astype(np.uint8)
        return LobeArrays(images, masks, distances, np.zeros_like(masks))


def _record(image: CtImage) -> ScanRecord:
    rows, columns = image.pixels.shape
    return ScanRecord(
        key=image.name,
        fold=0.0,
        label="covid" if image.covid else "other",
        slices=VIEWS,
        spacing_mm=(1.0, 1.0, 1.0),  # unknown
        shape=(rows, columns),
        slice_index=np.arange(VIEWS, dtype=np.int16),
        side=np.zeros(VIEWS, np.uint8),
        box=np.tile(np.array([0, 0, rows, columns], np.int16), (VIEWS, 1)),
        scale=np.ones(VIEWS, np.float32),
        offset=np.zeros((VIEWS, 2), np.int16),
        area=np.full(VIEWS, rows * columns, np.int32),
    )


def _shrunk(image: CtImage) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Crop and lungs of the image, [EDGE, EDGE]."""
    crop = cv2.resize(image.crop, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    lungs = cv2.resize(image.lungs.view(np.uint8), (EDGE, EDGE), interpolation=cv2.INTER_NEAREST)
    return np.asarray(crop, np.uint8), np.asarray(lungs, np.uint8).view(np.bool_)
