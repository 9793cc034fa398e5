"""What the scan's page shows of a diagnosis, as rows of words and numbers."""

from dataclasses import dataclass
from typing import Any

from client.diagnosis.document import DiagnosisDocument, FigurePart, SlicePart
from client.diagnosis.figure_text import NOT_FOR_PATIENTS, format_percent, format_probability
from client.reading_room.reading_list import EarlierRow
from client.reading_room.room import ReadingRoom
from preprocessing.reading.refusals import FLAGS
from shared_model.constants import LABEL_WORDS, TASK_WORDS, TASKS
from shared_model.model_quality import SCANS, MeasuredAuc, TaskQuality

SIDES = ("right", "left")
_SCANS_WORDS = {
    "held_out": "at hospitals that never trained",
    "test": "on test scans of the hospitals that trained",
    "validation": "on validation scans, which chose the model",
}


@dataclass(frozen=True)
class ContributionRow:
    """What a figure adds to a network's logit, and the bar that shows it.

    start, width: of the bar, in a box from 0 to 100 whose middle is 0.
    """

    added: float
    start: float
    width: float


@dataclass(frozen=True)
class QualityRow:
    """A measured AUC in words. nearest: says most of a scan of another hospital."""

    task: str
    scans: str
    auc: str
    nearest: bool


def scan_values(document: DiagnosisDocument) -> dict[str, Any]:
    """What the template reads of a diagnosis."""
    return {
        "document": document,
        "verdict": LABEL_WORDS[document.label],
        "warning": NOT_FOR_PATIENTS,
        "probabilities": [(task, TASK_WORDS[task], getattr(document, task)) for task in TASKS],
        "infected": [(words, getattr(document.infected, side)) for side, words in _LUNGS.items()],
        "figures": [(figure, _contributions(figure, document)) for figure in document.scan_figures],
        "quality": quality_rows(document),
        "flags": [(flag, FLAGS.get(flag, "")) for flag in document.flags],
        "percent": format_percent,
        "probability": format_probability,
        "slices": list(enumerate(document.slices, start=1)),
        "area_cm2": lambda one, side: _area_cm2(one, side, document.spacing_mm[0]),
    }


_LUNGS = {"right": "Right lung", "left": "Left lung", "all": "Both lungs"}


def _contributions(figure: FigurePart, document: DiagnosisDocument) -> list[ContributionRow | None]:
    """Of each network; None if the figure does not decide it. All bars have one scale."""
    most = max((abs(added) for one in document.scan_figures for added in one.adds.values()), default=0.0)
    return [_contribution(figure.adds[task], most or 1.0) if task in figure.adds else None for task in TASKS]


def _contribution(added: float, most: float) -> ContributionRow:
    width = 50 * abs(added) / most
    return ContributionRow(added, 50 - width if added < 0 else 50, width)


def quality_rows(document: DiagnosisDocument) -> list[QualityRow]:
    """The AUCs of both networks, the nearest to a new scan first; empty if nothing was measured."""
    quality = document.model.quality
    if quality is None:
        return []
    return [_quality(quality.of(task), task, scans) for task in TASKS for scans in reversed(SCANS)]


def _quality(known: TaskQuality, task: str, scans: Any) -> QualityRow:
    area: MeasuredAuc | None = getattr(known, scans)
    auc = _auc(area, known.undefined.get(scans, ""))
    return QualityRow(TASK_WORDS[task], _SCANS_WORDS[scans], auc, known.judged_by == scans)


def _auc(area: MeasuredAuc | None, undefined: str) -> str:
    if area is None:
        return f"undefined: {undefined}"
    if area.low is None or area.high is None:
        return f"{area.value:.2f}, no interval: {undefined}"
    return f"{area.value:.2f} (95 % interval {area.low:.2f} to {area.high:.2f})"


def earlier_rows(room: ReadingRoom, reader: str, name: str) -> list[EarlierRow]:
    """Earlier scans of the same patient; figures of those whose model this reader may see."""
    rows = []
    for one in room.studies.earlier().get(name, ()):
        verdict = room.study(one.study).verdict if room.may_see_model(reader, one.study) else None
        rows.append(EarlierRow(one.study, one.days, None if verdict is None else verdict.infected_ml))
    return rows


def curves_of(document: DiagnosisDocument) -> dict[str, Any]:
    """By slice, of each lung: softened probabilities, infected area in cm2; None where there is no lung."""
    sides = {side: [getattr(one, side) for one in document.slices] for side in SIDES}
    return {
        "diseased": {side: [part.probability for part in parts] for side, parts in sides.items()},
        "covid": {side: [part.covid_probability for part in parts] for side, parts in sides.items()},
        "infected_cm2": {
            side: [_area_cm2(one, side, document.spacing_mm[0]) for one in document.slices] for side in SIDES
        },
    }


def _area_cm2(one: SlicePart, side: str, slice_mm: float) -> float | None:
    """Infected area of one lung in a slice: its volume over the slices' distance."""
    infected_ml: float | None = getattr(one, side).infected_ml
    return None if infected_ml is None else 10 * infected_ml / slice_mm
