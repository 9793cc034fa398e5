"""Published images of chests, drawn with a few ellipses."""

import cv2
import numpy as np

from benchmarks.support.published_images import CtImage


def chest(rows: int = 300, columns: int = 400, *, blob: bool = False) -> np.ndarray:
    """Air, an ellipse of body, two lungs in it with a vessel each, perhaps an opacity."""
    picture = np.full((rows, columns), 10, np.uint8)

    def ellipse(x: float, y: float, width: float, height: float, grey: int) -> None:
        middle, axes = (round(x * columns), round(y * rows)), (round(width * columns), round(height * rows))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, grey, -1)

    ellipse(0.5, 0.5, 0.45, 0.45, 200)
    for x in (0.3, 0.7):
        ellipse(x, 0.5, 0.13, 0.3, 60)
        ellipse(x, 0.45, 0.02, 0.02, 210)
    if blob:
        ellipse(0.3, 0.65, 0.06, 0.06, 120)
    return picture


def image(name: str, patient: str, covid: bool, pixels: np.ndarray | None = None) -> CtImage:
    shown = chest(blob=covid) if pixels is None else pixels
    return CtImage.of(name, patient, covid, shown)


def patients(count: int, most: int = 4) -> list[CtImage]:
    draw = np.random.default_rng(0)
    return [
        image(f"{number}-{i}.png", f"p{number}", number % 2 == 0, chest(60, 80, blob=number % 2 == 0))
        for number in range(count)
        for i in range(draw.integers(1, most + 1))
    ]
