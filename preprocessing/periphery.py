"""Distance of each pixel of a lobe from its periphery (2.4)."""

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 255


def periphery_distance(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Manhattan distance in pixels to the nearest peripheral pixel of the lobe, uint8 [row, column].

    `mask` is bool [row, column]. A pixel is peripheral if one of its four neighbours lies outside the
    lobe or the image; it has distance 0, as has everything outside. Clipped at 255.
    """
    framed = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    # The distance to the nearest outside pixel is one more than that to the nearest peripheral pixel.
    to_outside = cv2.distanceTransform(framed, cv2.DIST_L1, 3, dstType=cv2.CV_32F)[1:-1, 1:-1]
    return np.clip(to_outside - 1, 0, MAX_DISTANCE).astype(np.uint8)
