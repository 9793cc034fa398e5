"""Three phantom scans in the report: one of each label, diagnosed, beside the truth."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from client.diagnosis.diagnose import LoadedModel, diagnose
from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.slice_pictures import example_picture
from client.diagnosis.verdict_text import verdict_words
from preprocessing.phantom.hospital import PhantomHospital
from preprocessing.reading.series_selection import select_series
from server.report.page import Example
from shared_model.constants import LABELS
from shared_model.progress import Progress
from shared_model.saved_model import ModelCard
from shared_model.weights import Weights


@dataclass(frozen=True)
class Truth:
    """What was drawn into a phantom: infection bool [slice, row, column], and its percentage of the lungs."""

    infection: NDArray[np.bool_]
    infected_percent: float

    @classmethod
    def read(cls, path: Path) -> "Truth":
        with np.load(path) as arrays:
            infection, lungs = arrays["infection"], arrays["lungs"] > 0
        return cls(infection, 100 * float((infection & lungs).sum()) / float(lungs.sum()))


def examples(
    hospitals: Sequence[PhantomHospital],
    weights: Weights,
    card: ModelCard,
    device: torch.device,
    progress: Progress,
) -> list[Example]:
    """One scan for each label, from the first of `hospitals` that has such a scan, diagnosed on `device`."""
    shown: list[Example] = []
    model = LoadedModel.from_weights(weights, card, device)
    for label in LABELS:
        progress(len(shown), len(LABELS))
        for hospital in hospitals:
            studies = _studies(hospital, label)
            if studies:
                study = _median_infected(hospital, studies)
                series = select_series(hospital.folder / "studies" / study).required()
                diagnosis = diagnose(series, model)
                shown.append(_example(hospital, study, label, diagnosis))
                break
    progress(len(LABELS), len(LABELS))
    return shown


def _studies(hospital: PhantomHospital, label: str) -> list[str]:
    with (hospital.folder / "labels.csv").open(newline="") as file:
        return sorted(row["study"] for row in csv.DictReader(file) if row["label"] == label)


def _median_infected(hospital: PhantomHospital, studies: Sequence[str]) -> str:
    """Of the first few studies the one with the median infected share, so that the example is typical."""
    few = studies[:5]
    return sorted(few, key=lambda study: (_truth(hospital, study).infected_percent, study))[len(few) // 2]


def _truth(hospital: PhantomHospital, study: str) -> Truth:
    return Truth.read(hospital.folder / "truth" / f"{study}.npz")


def _example(hospital: PhantomHospital, study: str, label: str, diagnosis: Diagnosis) -> Example:
    truth = _truth(hospital, study)
    return Example(
        title=f"{hospital.name}, {study}",
        label=label,
        verdict=verdict_words(diagnosis),
        picture_png=example_picture(diagnosis, truth.infection),
        infected_percent=diagnosis.infected_volume().percent or 0.0,
        true_infected_percent=truth.infected_percent,
    )
