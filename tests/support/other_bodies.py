"""What is no chest, in HU: air enclosed in a head, a neck, an abdomen, a pelvis, between legs, in phantoms.

Written without the package under test, in the voxels of tests.support.chests.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.support.chests import AIR, BONE, TISSUE, ellipse

SIZE, SLICES = 128, 40  # 320 x 320 mm, 240 mm
_GAS, _FAT, _STOOL = -985, -100, -250
Volume = NDArray[np.int16]
_Canvas = NDArray[np.float64]


def head() -> Volume:
    """A skull with maxillary and frontal sinuses, a nasal cavity, a pharynx and mastoid cells."""
    hu = _canvas()
    mottled = np.random.default_rng(1).random(hu.shape) < 0.6
    for number, image in enumerate(hu):
        image[ellipse(SIZE, 0.5, 0.5, 0.3, 0.24)] = TISSUE
        image[ellipse(SIZE, 0.5, 0.5, 0.285, 0.225)] = BONE
        image[ellipse(SIZE, 0.5, 0.5, 0.265, 0.205)] = TISSUE
        if number < 22:
            image[ellipse(SIZE, 0.3, 0.5, 0.08, 0.015)] = _GAS
            image[ellipse(SIZE, 0.45, 0.5, 0.03, 0.03)] = _GAS
            for column in (0.4, 0.6):
                image[ellipse(SIZE, 0.3, column, 0.05, 0.045)] = _GAS
            for column in (0.33, 0.67):
                cells = ellipse(SIZE, 0.58, column, 0.05, 0.035)
                image[cells] = np.where(mottled[number], _GAS, BONE)[cells]
        elif number < 30:
            image[ellipse(SIZE, 0.24, 0.5, 0.02, 0.06)] = _GAS
    return _scanned(hu)


def neck() -> Volume:
    """A neck over shoulders with larynx and trachea."""
    hu = _canvas()
    for number, image in enumerate(hu):
        wide = 0.45 if number < 10 else 0.2
        image[ellipse(SIZE, 0.5, 0.5, 0.22, wide)] = TISSUE
        image[ellipse(SIZE, 0.62, 0.5, 0.05, 0.05)] = BONE
        larynx = 24 <= number < 32
        image[ellipse(SIZE, 0.42, 0.5, 0.05 if larynx else 0.03, 0.06 if larynx else 0.03)] = _GAS
    return _scanned(hu)


def abdomen(*, lung_bases: int = 0) -> Volume:
    """Colon loops in front, gas in the stomach; the bases of both lungs in the highest slices, if asked."""
    hu = _canvas()
    for number, image in enumerate(hu):
        _torso(image)
        for column in (0.22, 0.78):
            image[ellipse(SIZE, 0.42 + 0.06 * np.sin(number / 3), column, 0.08, 0.08)] = _GAS
        if 15 <= number < 24:
            image[ellipse(SIZE, 0.28, 0.5, 0.07, 0.3)] = _GAS
        if 26 <= number < 38:
            image[ellipse(SIZE, 0.36, 0.62, 0.12, 0.14)] = _GAS
            image[ellipse(SIZE, 0.5, 0.62, 0.05, 0.12)] = _STOOL
        grow = number - (SLICES - lung_bases)
        if grow >= 0:
            for column in (0.27, 0.73):
                base = ellipse(SIZE, 0.6, column, 0.2, 0.17) & ~ellipse(
                    SIZE, 0.5 - 0.02 * grow, column, 0.2, 0.2
                )
                image[base] = -850
    return _scanned(hu)


def pelvis() -> Volume:
    """Hip bones with gas in the rectum and the sigmoid colon."""
    hu = _canvas()
    for number, image in enumerate(hu):
        image[ellipse(SIZE, 0.5, 0.5, 0.33, 0.45)] = _FAT
        image[ellipse(SIZE, 0.5, 0.5, 0.28, 0.4)] = TISSUE
        for column in (0.2, 0.8):
            image[ellipse(SIZE, 0.5, column, 0.1, 0.06)] = BONE
        image[ellipse(SIZE, 0.68, 0.5, 0.07, 0.08)] = _GAS
        if number > 15:
            image[ellipse(SIZE, 0.35, 0.45 + 0.005 * number, 0.06, 0.12)] = _GAS
    return _scanned(hu)


def legs() -> Volume:
    """Two legs that touch at the front and the back, with air between them."""
    hu = _canvas()
    for image in hu:
        image[ellipse(SIZE, 0.5, 0.5, 0.25, 0.4)] = TISSUE
        image[ellipse(SIZE, 0.5, 0.5, 0.18, 0.09)] = AIR
        for column in (0.27, 0.73):
            image[ellipse(SIZE, 0.5, column, 0.04, 0.04)] = BONE
    return _scanned(hu)


def air_in_water() -> Volume:
    """A water phantom with two large inserts of air."""
    hu = _canvas()
    for image in hu[4:-4]:
        image[ellipse(SIZE, 0.5, 0.5, 0.36, 0.44)] = 0
        for column in (0.3, 0.7):
            image[ellipse(SIZE, 0.5, column, 0.2, 0.13)] = AIR
    return _scanned(hu)


def foam_in_water() -> Volume:
    """A water phantom with one wide block of foam in its middle."""
    hu = _canvas()
    for image in hu:
        image[ellipse(SIZE, 0.5, 0.5, 0.36, 0.44)] = 0
    hu[6:-6, 40:88, 36:92] = -850
    return _scanned(hu)


def foam_box() -> Volume:
    """A block of foam in air."""
    hu = _canvas()
    hu[5:-5, 30:100, 20:110] = -900
    return _scanned(hu)


OTHER_BODIES: dict[str, Callable[[], Volume]] = {
    "head": head,
    "neck": neck,
    "abdomen": abdomen,
    "abdomen with lung bases": lambda: abdomen(lung_bases=6),
    "pelvis": pelvis,
    "legs": legs,
    "air in water": air_in_water,
    "foam in water": foam_in_water,
    "foam box": foam_box,
}


def _canvas() -> _Canvas:
    return np.full((SLICES, SIZE, SIZE), AIR, np.float64)


def _torso(image: NDArray[np.float64]) -> None:
    image[ellipse(SIZE, 0.5, 0.5, 0.36, 0.46)] = _FAT
    image[ellipse(SIZE, 0.5, 0.5, 0.33, 0.43)] = TISSUE
    image[ellipse(SIZE, 0.68, 0.5, 0.06, 0.06)] = BONE


def _scanned(hu: _Canvas) -> Volume:
    """With the noise of a scanner and what 12 bits can hold."""
    noise = np.random.default_rng(0).normal(0, 10, hu.shape)
    return np.maximum(np.rint(hu + noise), -1024).astype(np.int16)
