"""Shortcuts: baselines of covid_ct_2d that classify a published image without looking at the lungs.

Images of COVID-19 and of other diseases come from different publications with different size, window, margins
and lettering. A network must do better than these baselines to show anything.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.support.published_images import CtImage

GREY_BINS = 16
BORDER = 4  # pixels
TREES, LEAST_IN_LEAF = 300, 3

Features = Callable[[CtImage], list[float]]


def of_file(image: CtImage) -> list[float]:
    """Size and shape of the picture, grey levels and border as published."""
    rows, columns = image.pixels.shape
    return [np.log(rows), np.log(columns), columns / rows, *_tones(image.pixels)]


def of_crop(image: CtImage) -> list[float]:
    """Grey levels and border of the network's input; they may also depend on disease."""
    return _tones(image.crop)


def _tones(pixels: NDArray[np.uint8]) -> list[float]:
    """Square roots of a histogram of GREY_BINS bins; mean, deviation, black and white share of the border."""
    shares = np.histogram(pixels, GREY_BINS, (0, 256))[0] / pixels.size
    border = np.ones(pixels.shape, np.bool_)
    border[BORDER:-BORDER, BORDER:-BORDER] = False
    edge = pixels[border]
    return [*np.sqrt(shares), edge.mean(), edge.std(), (edge < 5).mean(), (edge > 250).mean()]


def logistic() -> ClassifierMixin:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000))


def forest() -> ClassifierMixin:
    return RandomForestClassifier(TREES, min_samples_leaf=LEAST_IN_LEAF, random_state=0)


def shortcut_scores(
    make: Callable[[], ClassifierMixin], features: Features, train: Sequence[CtImage], test: Sequence[CtImage]
) -> NDArray[np.float64]:
    """Probability of COVID-19 of each of `test`, by the model of `make` trained on `features` of `train`."""
    model = make()
    model.fit(np.array([features(image) for image in train]), [image.covid for image in train])
    found: NDArray[np.float64] = model.predict_proba(np.array([features(image) for image in test]))[:, 1]
    return found
