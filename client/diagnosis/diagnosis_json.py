"""A diagnosis as `diagnosis.json`: figures and text, and nothing that identifies the patient.

`client/diagnosis/document.py` has its fields.
"""

from typing import Any

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.document import DiagnosisDocument, SidePart
from client.diagnosis.figure_text import NOT_FOR_PATIENTS
from client.diagnosis.limits import is_research_only, is_uncertain, limits
from client.diagnosis.slice_pictures import slice_file
from client.diagnosis.slice_ranking import worst_slices
from client.diagnosis.verdict_text import explanation, verdict_sentence
from client.learning.scan_logits import FigureValue
from preprocessing.lungs.lobes import SIDES

FORMAT = 2


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The document of diagnosis.json, as JSON's own types; DiagnosisDocument lists its parts."""
    document = DiagnosisDocument.model_validate(_document(diagnosis))
    return document.model_dump(mode="json", exclude_unset=True)


def _document(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "warning": f"{NOT_FOR_PATIENTS} {diagnosis.card.trained_on}",
        "verdict": verdict_sentence(diagnosis),
        "label": diagnosis.verdict,
        "uncertain": is_uncertain(diagnosis),
        "research_use_only": is_research_only(diagnosis.card),
        "limits": [{"code": limit.code, "words": limit.words} for limit in limits(diagnosis)],
        "explanation": explanation(diagnosis),
        **{task: _score(diagnosis, task) for task in diagnosis.scores},
        "scan_figures": [_figure(one) for one in diagnosis.figures],
        "infected": {side or "all": _infected(diagnosis, side) for side in (*SIDES, None)},
        "worst_slices": _worst(diagnosis),
        "slices": [_slice(diagnosis, index) for index in range(len(diagnosis.scan.images))],
        "spacing_mm": diagnosis.scan.spacing_mm,
        "flags": list(diagnosis.scan.flags),
        "model": _model(diagnosis),
        "files_sha256": diagnosis.files_sha256,
        "timing": dict(diagnosis.seconds) or None,
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
        "raw_probability": float(lobes.raw["diseased"][lobe]),
        "probability": float(lobes.diseased[lobe]),
        "raw_covid_probability": float(lobes.raw["covid"][lobe]),
        "covid_probability": float(lobes.covid[lobe]),
        "infected_ml": float(lobes.infected_ml[lobe]),
        "lung_ml": float(lobes.lung_ml[lobe]),
    }


def _no_lobe(side: str) -> dict[str, Any]:
    figures = SidePart.model_fields.keys() - {"undefined"}
    return {**dict.fromkeys(figures), "undefined": f"no {side} lung in this slice"}


def _model(diagnosis: Diagnosis) -> dict[str, Any]:
    card = diagnosis.card
    return {
        "study": card.study.name,
        "study_fingerprint": card.study.fingerprint,
        "preprocessing": card.study.preprocessing,
        "weights_sha256": card.weights_sha256,
        "card_sha256": card.card_sha256,
        "trained_on": card.trained_on,
        "best_rounds": dict(card.best_rounds),
        "temperature": card.temperature.model_dump(),
        "quality": card.quality.model_dump() if card.quality else None,
    }
