"""What can be told of a published image without looking at the lungs: the baselines of covid_ct_2d.

Images of COVID-19 and others come from different publications, and these differ in size, window, margins and
lettering. A network that is no better than this has shown nothing.
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
    """Grey levels and border of what the network is given; they may tell of disease too."""
    return _tones(image.crop)


def _tones(pixels: NDArray[np.uint8]) -> list[float]:
    """Root shares of GREY_BINS grey levels; the border's mean, deviation, shares of black and of white."""
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
    """Probability of COVID-19 of each of `test`, learned from `features` of `train` by the model made."""
    model = make()
    model.fit(np.array([features(image) for image in train]), [image.covid for image in train])
    found: NDArray[np.float64] = model.predict_proba(np.array([features(image) for image in test]))[:, 1]
    return found
