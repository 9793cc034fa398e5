"""From one CT series and a model to a diagnosis (2.6, 2.8, 2.9)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from client.diagnosis.diagnosis import Diagnosis, LobeFindings, ScanScore, probability_of
from client.diagnosis.diagnosis_step import OnStep
from client.diagnosis.scan_inference import ScanOutputs, infer_scan
from client.learning.activation_dtype import activation_dtype
from client.learning.scan_logits import figure_values, scan_logits
from preprocessing.pipeline import PreparedScan, prepare_series
from preprocessing.reading.series import CtSeries
from preprocessing.settings import SETTINGS, PreprocessingSettings
from shared_model.constants import TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.network_weights import load_weights
from shared_model.networks import LobeNetwork, make_networks
from shared_model.saved_model import ModelCard
from shared_model.scan_decision import softened_logits
from shared_model.scan_figures import ScanLobes
from shared_model.weights import Weights


@dataclass(frozen=True)
class LoadedModel:
    """Both networks with a model's weights on their device, and the model's card."""

    networks: Mapping[Task, LobeNetwork]
    card: ModelCard
    device: torch.device

    @classmethod
    def from_weights(
        cls, weights: Weights, card: ModelCard, device: torch.device | str = "cpu"
    ) -> "LoadedModel":
        """Raises PneumofedError `architecture-mismatch` if weights and card do not fit."""
        networks = make_networks(card.study.network)
        load_weights(networks, weights)
        for network in networks.values():
            network.to(device).to(memory_format=torch.channels_last)
        return cls(networks, card, torch.device(device))


def diagnose(
    series: CtSeries,
    model: LoadedModel,
    *,
    on_step: OnStep | None = None,
) -> Diagnosis:
    """Diagnose one series with both networks over all its lobes, found as those that they learned from.

    on_step: is told of `lungs` and of the lobes of `networks`. Raises PneumofedError
    `preprocessing-mismatch` if this version does not have the preprocessing that the model was trained with,
    `no-lungs` if no lung is found, and what `prepare_series` raises.
    """
    settings = preprocessing_of(model.card)
    started = time.perf_counter()
    if on_step is not None:
        on_step("lungs", 0, 1)
    scan = prepare_series(series, settings)
    prepared = time.perf_counter()
    dtype = activation_dtype(model.card.study.precision, model.device)
    progress = partial(on_step, "networks") if on_step is not None else None
    seen = infer_scan(scan, model.networks, dtype=dtype, progress=progress)
    ended = time.perf_counter()
    seconds = {"preprocessing_s": prepared - started, "networks_s": ended - prepared}
    return replace(make_diagnosis(scan, seen, model.networks, model.card), seconds=seconds)


def preprocessing_of(card: ModelCard) -> PreprocessingSettings:
    """The settings that the model was trained with.

    Raises PneumofedError `preprocessing-mismatch` if this version has none with their fingerprint.
    """
    known = {settings.fingerprint: settings for settings in SETTINGS.values()}
    if card.study.preprocessing not in known:
        raise PneumofedError(
            "preprocessing-mismatch",
            f"the model of study {card.study.name!r} was trained with preprocessing "
            f"{card.study.preprocessing}, this version has {' and '.join(known)}; use a model made with it",
        )
    return known[card.study.preprocessing]


def make_diagnosis(
    scan: PreparedScan, seen: ScanOutputs, networks: Mapping[Task, LobeNetwork], card: ModelCard
) -> Diagnosis:
    """The diagnosis that follows from the networks' outputs; `networks` have the scan heads.

    Raises PneumofedError `no-lungs` if no two neighbouring slices show the same lung: eq. 2 would then call
    any scan healthy.
    """
    slice_index = np.array([lobe.slice for lobe in scan.lobes], np.int64)
    side = np.array([lobe.side for lobe in scan.lobes], np.int64)
    alone = {task: seen.logits[task].astype(np.float64) for task in TASKS}
    softened = {task: softened_logits(seen.logits[task], slice_index, side) for task in TASKS}
    area = np.array([lobe.area for lobe in scan.lobes], np.int64)
    slice_mm = scan.spacing_mm[0]
    decided = ScanLobes(slice_index, side, area, seen.logits, seen.infection, seen.in_lobe, slice_mm)
    logits, figures = scan_logits(networks, decided, card.study), figure_values(networks, decided, card.study)
    if not (softened["diseased"] > -np.inf).any() or logits["diseased"] == -np.inf:
        raise PneumofedError(
            "no-lungs", "no lung is seen in two neighbouring slices; this is no chest CT, or too coarse a one"
        )
    # The temperature is of the scan's logit. Decided by figures, that is on another scale than the lobes'.
    by_figures = {task for figure in figures for task in figure.contributions}
    for task in (task for task in TASKS if task not in by_figures):
        softened[task] /= getattr(card.temperature, task)
        alone[task] /= getattr(card.temperature, task)
    return Diagnosis(
        scan=scan,
        infected=seen.infected,
        lobes=_lobe_findings(scan, seen, softened, alone),
        scores={task: _score(logits[task], card, task) for task in TASKS},
        figures=figures,
        card=card,
    )


def _score(logit: float, card: ModelCard, task: Task) -> ScanScore:
    return ScanScore(logit, getattr(card.operating_point, task), getattr(card.temperature, task))


def _lobe_findings(
    scan: PreparedScan,
    seen: ScanOutputs,
    softened: Mapping[Task, NDArray[np.float64]],
    alone: Mapping[Task, NDArray[np.float64]],
) -> LobeFindings:
    voxel_ml = float(np.prod(scan.spacing_mm)) / 1000
    return LobeFindings(
        slice_index=np.array([lobe.slice for lobe in scan.lobes], np.int64),
        side=np.array([lobe.side for lobe in scan.lobes], np.int64),
        diseased=probability_of(softened["diseased"]),
        covid=probability_of(softened["covid"]),
        raw={task: probability_of(alone[task]) for task in TASKS},
        infected_ml=seen.infected_pixels.astype(np.float64) * voxel_ml,
        lung_ml=np.array([lobe.area for lobe in scan.lobes], np.float64) * voxel_ml,
        attention=seen.attention,
    )
