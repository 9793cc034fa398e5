"""A diagnosis as `diagnosis.json`: figures and text, and nothing that identifies the patient.

verdict             "healthy", "COVID-19" or "other pneumonia"; `label` is its code
explanation         why, and what limits the verdict, in sentences
diseased, covid     {probability, operating_point, positive}: of the scan (2.6); `covid` is the probability
                    of COVID-19 if the scan is diseased, given for healthy scans too. Both numbers are scaled
                    by the model's `temperature`, fitted to validation scans; `positive` does not depend on it
scan_figures        the figures by which the scan is decided: {name, unit, meaning, value, adds}; adds[task]
                    is its part of the logit before calibration; empty if lobes decide (eq. 2)
infected            {right, left, all}: {percent, infected_ml, lung_ml} of each lung and of both
slices              feet first: {z_mm, right, left}, each side {probability, covid_probability, infected_ml,
                    lung_ml}; probabilities are softened by the neighbouring slices (eq. 2)
worst_slices        the slices to look at first: {rank, slice (index into `slices`), z_mm, score_ml, picture};
                    `score_ml` is the sum over the lobes of probability x infected volume
flags               what was unusual about the series, as `pneumofed hospital check` names it
model               {study, study_fingerprint, preprocessing, weights_sha256, trained_on, best_rounds,
                    temperature}
warning             that this is not a medical device

A figure that is undefined is null, and `undefined` beside it says why.
"""

from typing import Any

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.slice_pictures import slice_file
from client.diagnosis.slice_ranking import worst_slices
from client.diagnosis.verdict_text import NOT_FOR_PATIENTS, explanation, verdict_sentence
from client.learning.scan_logits import FigureValue
from preprocessing.lungs.lobes import SIDES

FORMAT = 1


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The document of diagnosis.json; the module's docstring lists its parts."""
    return {
        "format": FORMAT,
        "warning": f"{NOT_FOR_PATIENTS} {diagnosis.card.trained_on}",
        "verdict": verdict_sentence(diagnosis),
        "label": diagnosis.verdict,
        "explanation": explanation(diagnosis),
        **{task: _score(diagnosis, task) for task in diagnosis.scores},
        "scan_figures": [_figure(one) for one in diagnosis.figures],
        "infected": {side or "all": _infected(diagnosis, side) for side in (*SIDES, None)},
        "worst_slices": _worst(diagnosis),
        "slices": [_slice(diagnosis, index) for index in range(len(diagnosis.scan.images))],
        "spacing_mm": list(diagnosis.scan.spacing_mm),
        "flags": list(diagnosis.scan.flags),
        "model": _model(diagnosis),
    }


def _score(diagnosis: Diagnosis, task: Any) -> dict[str, Any]:
    score = diagnosis.scores[task]
    return {
        "probability": score.probability,
        "operating_point": score.operating_point,
        "positive": score.positive,
    }


def _figure(one: FigureValue) -> dict[str, Any]:
    figure = one.figure
    return {
        "name": figure.name,
        "unit": figure.unit,
        "meaning": figure.meaning,
        "value": one.value,
        "adds": dict(one.contributions),
    }


def _infected(diagnosis: Diagnosis, side: str | None) -> dict[str, Any]:
    volume = diagnosis.infected_volume(side)
    if volume.percent is None:
        reason = f"no {side} lung was found" if side else "no lung was found"
        return {"percent": None, "infected_ml": None, "lung_ml": None, "undefined": reason}
    return {"percent": volume.percent, "infected_ml": volume.infected_ml, "lung_ml": volume.lung_ml}


def _worst(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    return [
        {
            "rank": one.rank,
            "slice": one.slice,
            "z_mm": float(diagnosis.scan.z_mm[one.slice]),
            "score_ml": one.score_ml,
            "picture": slice_file(one),
        }
        for one in worst_slices(diagnosis)
    ]


def _slice(diagnosis: Diagnosis, index: int) -> dict[str, Any]:
    sides = {SIDES[diagnosis.lobes.side[lobe]]: _lobe(diagnosis, lobe) for lobe in diagnosis.lobes.at(index)}
    absent = {side: _no_lobe(side) for side in SIDES if side not in sides}
    return {"z_mm": float(diagnosis.scan.z_mm[index]), **{side: (sides | absent)[side] for side in SIDES}}


def _lobe(diagnosis: Diagnosis, lobe: int) -> dict[str, Any]:
    lobes = diagnosis.lobes
    return {
        "probability": float(lobes.diseased[lobe]),
        "covid_probability": float(lobes.covid[lobe]),
        "infected_ml": float(lobes.infected_ml[lobe]),
        "lung_ml": float(lobes.lung_ml[lobe]),
    }


def _no_lobe(side: str) -> dict[str, Any]:
    figures = ("probability", "covid_probability", "infected_ml", "lung_ml")
    return {**dict.fromkeys(figures), "undefined": f"no {side} lung in this slice"}


def _model(diagnosis: Diagnosis) -> dict[str, Any]:
    card = diagnosis.card
    return {
        "study": card.study.name,
        "study_fingerprint": card.study.fingerprint,
        "preprocessing": card.study.preprocessing,
        "weights_sha256": card.weights_sha256,
        "trained_on": card.trained_on,
        "best_rounds": dict(card.best_rounds),
        "temperature": card.temperature.model_dump(),
    }
