"""Simple classifiers of phantom scans, to compare the paper's networks with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from shared_model.constants import LABELS_OF, POSITIVE, Task

THRESHOLDS = (200, 300, 400, 500, 700, 900)  # of 2048, where air is 0 and water about 1000
SIZE = 64  # pixels along an edge of the CNN's lobes
STEPS, SCANS_PER_STEP, LOBES_PER_SCAN, RATE = 400, 12, 10, 2e-3
TOP_PATCHES, TOP_LOBES = 0.1, 0.3


@dataclass(frozen=True)
class Scan:
    """label; lobes: float32 [lobe, 3, 64, 64] in 0..1; bright: share of lung above each of THRESHOLDS."""

    label: str
    lobes: Tensor
    bright: NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """The hospitals of one role: prepared scans, and features of the true infection [scan][feature]."""

    scans: list[Scan]
    truth: NDArray[np.float64]
    truth_labels: list[str]


def _of_task(task: Task, labels: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([label in LABELS_OF[task] for label in labels])


def _positive(task: Task, labels: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([label in POSITIVE[task] for label in labels])


def intensity_auc(task: Task, train: Sequence[Scan], held_out: Sequence[Scan]) -> float:
    """AUC of the share of bright lung; threshold and direction are chosen on the training scans."""
    areas = [_bright_auc(task, train, i) for i in range(len(THRESHOLDS))]
    best = int(np.argmax([abs(area - 0.5) for area in areas]))
    area = _bright_auc(task, held_out, best)
    return area if areas[best] >= 0.5 else 1 - area


def _bright_auc(task: Task, scans: Sequence[Scan], threshold: int) -> float:
    chosen = [scan for scan in scans if scan.label in LABELS_OF[task]]
    positive = _positive(task, [scan.label for scan in chosen])
    return float(roc_auc_score(positive, [scan.bright[threshold] for scan in chosen]))


def cnn_auc(task: Task, train: Sequence[Scan], held_out: Sequence[Scan]) -> float:
    """AUC of a small CNN with patch pooling, trained from scan labels."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 1, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    chosen = [scan for scan in train if scan.label in LABELS_OF[task]]
    for _ in range(STEPS):
        scans = [chosen[i] for i in generator.permutation(len(chosen))[:SCANS_PER_STEP]]
        drawn = [generator.integers(0, len(scan.lobes), LOBES_PER_SCAN) for scan in scans]
        lobes = torch.cat([scan.lobes[lobe] for scan, lobe in zip(scans, drawn, strict=True)])
        logits = _scan_logit(_lobe_logits(network, lobes).view(len(scans), -1))
        positive = torch.from_numpy(_positive(task, [scan.label for scan in scans])).float()
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(logits, positive).backward()
        optimizer.step()
    tested = [scan for scan in held_out if scan.label in LABELS_OF[task]]
    with torch.inference_mode():
        scores = [float(_scan_logit(_lobe_logits(network, scan.lobes)[None])) for scan in tested]
    return float(roc_auc_score(_positive(task, [scan.label for scan in tested]), scores))


def _lobe_logits(network: nn.Module, lobes: Tensor) -> Tensor:
    patches = network(lobes).flatten(1)
    return patches.topk(round(TOP_PATCHES * patches.shape[1]), dim=1).values.mean(dim=1)


def _scan_logit(lobe_logits: Tensor) -> Tensor:
    return lobe_logits.topk(max(1, round(TOP_LOBES * lobe_logits.shape[1])), dim=1).values.mean(dim=1)


def truth_auc(task: Task, train: Part, held_out: Part) -> float:
    """AUC of logistic regression on features of the true infection."""
    known, asked = _of_task(task, train.truth_labels), _of_task(task, held_out.truth_labels)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(train.truth[known], _positive(task, train.truth_labels)[known])
    scores = model.decision_function(held_out.truth[asked])
    return float(roc_auc_score(_positive(task, held_out.truth_labels)[asked], scores))


def truth_features(path: Path) -> NDArray[np.float64]:
    """Amount, sides, areas, depth under the pleura and place of the infection, all relative to the lungs."""
    with np.load(path) as arrays:
        lungs, infection = arrays["lungs"][:, ::2, ::2], arrays["infection"][:, ::2, ::2] > 0
    infection &= lungs > 0
    if not infection.any():
        return np.zeros(8)
    shares = sorted(float(infection[lungs == side].mean()) for side in (1, 2))
    areas = np.bincount(ndimage.label(infection)[0].ravel())[1:]
    depth = np.stack([ndimage.distance_transform_edt(plane > 0) for plane in lungs])
    places = [np.nonzero(where)[axis] for axis in (0, 1) for where in (infection, lungs > 0)]
    low, back = ((inside.mean() - whole.mean()) / whole.std() for inside, whole in (places[:2], places[2:]))
    return np.array(
        [
            *shares, shares[0] / shares[1], np.log(len(areas)), areas.max() / areas.sum(),
            depth[infection].mean() / depth[lungs > 0].mean(), low, back,
        ]
    )  # fmt: skip
