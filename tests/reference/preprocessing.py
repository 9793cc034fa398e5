"""2.2, 2.3, 2.4's distance and 2.7.2 word for word: slow, and the oracle for the fast code."""

import math
from collections import deque

import numpy as np
from scipy import ndimage
from sklearn.cluster import KMeans


def two_clusters(values, starts=4):
    """True where K-means with k = 2 puts a value into the cluster with the lower centre.

    It starts so many times and keeps the best; once is scikit-learn's own choice.
    """
    found = KMeans(2, n_init=starts, random_state=0).fit(np.asarray(values, float).reshape(-1, 1))
    low = int(np.argmin(found.cluster_centers_.ravel()))
    return (found.labels_ == low).reshape(np.shape(values))


def remove_batch_effect(hu, padding, starts=4, edge=1):
    """2.2, step by step as the paper tells it; the result is in 0..1.

    The background is the air round the patient, `edge` pixels off all else, in the darker half of the image.
    """
    image = np.clip(hu.astype(float), -2000, 3000)
    image = image - image.min()
    low = np.zeros(hu.shape, bool)
    low[~padding] = two_clusters(image[~padding], starts)
    background = np.zeros(hu.shape, bool)
    for number in range(len(hu)):
        objects, _ = ndimage.label(low[number] | padding[number])
        border = np.concatenate([objects[0], objects[-1], objects[:, 0], objects[:, -1]])
        reached = np.isin(objects, np.unique(border[border > 0]))
        reached = ndimage.binary_erosion(reached, np.ones((2 * edge + 1, 2 * edge + 1)), border_value=1)
        background[number] = reached & ~padding[number]
    middle = hu.shape[1] // 2
    halves = [image[:, half][background[:, half]] for half in (slice(middle), slice(middle, None))]
    least = 0.001 * np.count_nonzero(~padding)
    image = np.maximum(image - min(np.median(half) for half in halves if len(half) >= least), 0)
    image[padding] = 0
    image = np.minimum(image, 2048) / 2048
    return np.stack([ndimage.median_filter(one, 3, mode="nearest") for one in image])


def lobes_of_slice(image, starts=4):
    """2.3 for one slice: 0 neither, 1 the lobe at the image's left, 2 the one at its right."""
    rows, columns = image.shape
    foreground = two_clusters(image, starts)
    foreground = ndimage.binary_erosion(foreground, np.ones((3, 3)), border_value=1)
    # A square of even size has no middle: the paper's library puts it at index 4 of 0..7.
    reach = np.zeros((rows, columns), bool)
    for down in range(-4, 4):
        for right in range(-4, 4):
            reach[max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)] |= (
                foreground[max(0, down) : rows + min(0, down), max(0, right) : columns + min(0, right)]
            )
    objects, count = ndimage.label(reach, np.ones((3, 3)))
    best = {1: (0, 0), 2: (0, 0)}
    for number in range(1, count + 1):
        places = np.argwhere(objects == number)
        area = len(places)
        outside = (
            (places == 0).any() or (places[:, 0] == rows - 1).any() or (places[:, 1] == columns - 1).any()
        )
        if outside or area < 5000 * rows * columns / 512**2:
            continue
        side = 1 if places[:, 1].mean() < columns / 2 else 2
        best[side] = max(best[side], (area, number))
    result = np.zeros((rows, columns), np.uint8)
    for side, (_, number) in best.items():
        if number:
            result[objects == number] = side
    return result


def distance_to_periphery(mask):
    """Breadth-first search from all peripheral pixels at once (2.4)."""
    rows, columns = mask.shape
    distance = np.zeros(mask.shape, int)
    seen = np.zeros(mask.shape, bool)
    queue = deque()

    def neighbours(row, column):
        return [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]

    def in_lobe(row, column):
        return 0 <= row < rows and 0 <= column < columns and mask[row, column]

    for row in range(rows):
        for column in range(columns):
            if mask[row, column] and not all(in_lobe(*place) for place in neighbours(row, column)):
                seen[row, column] = True
                queue.append((row, column))
    while queue:
        row, column = queue.popleft()
        for place in neighbours(row, column):
            if in_lobe(*place) and not seen[place]:
                seen[place] = True
                distance[place] = distance[row, column] + 1
                queue.append(place)
    return distance


def crop(image, box):
    """The box in the middle of a black 256 x 256 image, for boxes that fit; pixel by pixel (2.3)."""
    row0, column0, row1, column1 = box
    result = np.zeros((256, 256), image.dtype)
    down, right = (256 - (row1 - row0)) // 2, (256 - (column1 - column0)) // 2
    for row in range(row0, row1):
        for column in range(column0, column1):
            result[row - row0 + down, column - column0 + right] = image[row, column]
    return result


def density_correction(planes, masks):
    """The function from a crop to the crop at one breath (docs/decisions/0066): a scan's lobes' own planes
    [lobe, 256, 256] as integers, and their masks, say how."""
    inside = planes[masks & (planes > 0)].astype(int)
    shown = planes[planes > 0].astype(float)
    tissue = int(shown[~two_clusters(shown, starts=1)].min())
    counts = np.array([np.count_nonzero(inside == value) for value in range(2049)], float)
    kernel = np.exp(-0.5 * (np.arange(-60, 61) / 15.0) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum(), mode="same")
    lung = max(range(tissue), key=lambda value: smooth[value])
    power = min(2.0, max(0.5, math.log(0.18) / math.log(lung / 1000)))

    def density_curve(crop):
        even = [
            round(1000 * (grey / 1000) ** power) if grey < 1000 else grey for grey in crop.ravel().tolist()
        ]
        return np.array(even).reshape(crop.shape)

    return density_curve
