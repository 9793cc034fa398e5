"""AUC with intervals from the scores of tested images."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.support.published_images import CtImage

RESAMPLES = 1000
ALIKE = 0.1  # greatest difference of two probabilities of a pair

Fold = tuple[list[CtImage], list[CtImage]]
"""Training images and test images."""


def figures_of(
    folds: Sequence[Fold], scores: Mapping[str, Sequence[NDArray[np.float64]]]
) -> dict[str, float]:
    """All figures from the scores [judge][fold][image]."""
    tested = [image for _, test in folds for image in test]
    covid = np.array([image.covid for image in tested])
    joined = {name: np.concatenate(parts) for name, parts in scores.items()}
    figures = {f"auc_{name}": float(roc_auc_score(covid, joined[name])) for name in scores}
    for name in ("pooled", "federated"):
        patients = np.array([image.patient for image in tested])
        low, high = patient_interval(covid, joined[name], patients)
        figures |= {f"auc_{name}_low": low, f"auc_{name}_high": high}
        alike = auc_of_alike(covid, joined[name], joined["file_forest"])
        figures |= {} if alike is None else {f"auc_{name}_alike": alike}
        for number, ((_, test), part) in enumerate(zip(folds, scores[name], strict=True), 1):
            area = roc_auc_score([image.covid for image in test], part)
            figures[f"auc_{name}_fold_{number}"] = float(area)
    return figures


def patient_interval(
    covid: NDArray[np.bool_], scores: NDArray[np.float64], patients: NDArray[np.str_]
) -> tuple[float, float]:
    """95 % interval of the AUC: bootstrap over patients, each with all images."""
    draw = np.random.default_rng(0)
    of_patient = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    areas: list[float] = []
    while len(areas) < RESAMPLES:
        chosen = np.concatenate([of_patient[i] for i in draw.integers(len(of_patient), size=len(of_patient))])
        if 0 < covid[chosen].sum() < len(chosen):
            areas.append(roc_auc_score(covid[chosen], scores[chosen]))
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def auc_of_alike(
    covid: NDArray[np.bool_], scores: NDArray[np.float64], baseline: NDArray[np.float64]
) -> float | None:
    """Share of pairs whose COVID-19 image scores higher, of pairs with `baseline` scores within ALIKE."""
    alike = np.abs(baseline[covid][:, None] - baseline[~covid][None]) <= ALIKE
    difference = scores[covid][:, None] - scores[~covid][None]
    return float((np.sign(difference[alike]) / 2 + 0.5).mean()) if alike.any() else None
