"""The list of diagnosed studies in the order in which to read them.

worklist.csv has a row for each study, the most urgent first, with the reason in words. It holds the names of
the studies' folders, and nothing of their headers.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.earlier_scans import EarlierScan
from client.diagnosis.figure_text import format_percent
from shared_model.constants import Label
from shared_model.errors import PneumofedError

WORKLIST = "worklist.csv"
_DOUBTFUL = {"infection-marked", "lungs-cut-off", "one-lung"}  # limits of a scan that is called healthy
FOUND, DOUBTFUL, NOT_DIAGNOSED, HEALTHY = 1, 2, 3, 4
_WHY = {FOUND: "called diseased", DOUBTFUL: "doubtful", HEALTHY: "called healthy"}


@dataclass(frozen=True)
class WorklistRow:
    """One study; None, an empty cell, for what a study does not have.

    priority: 1 called diseased and not uncertain, 2 doubtful, 3 not diagnosed, 4 called healthy. study: the
    name of its folder, and of its results in OUT. reason: why it has its priority, and all of the verdict's
    sentence. probability_diseased, probability_covid: calibrated. earlier_*: of the most recent earlier scan
    of the same patient that was diagnosed in this call. code: of the error, if it was not diagnosed.
    """

    priority: int
    study: str
    reason: str
    label: Label | None = None
    uncertain: bool | None = None
    research_use_only: bool | None = None
    probability_diseased: float | None = None
    probability_covid: float | None = None
    infected_ml: float | None = None
    infected_percent: float | None = None
    earlier_study: str | None = None
    earlier_days: int | None = None
    earlier_infected_ml: float | None = None
    code: str | None = None


def worklist(
    outcomes: Mapping[str, DiagnosisDocument | PneumofedError], earlier: Mapping[str, Sequence[EarlierScan]]
) -> tuple[WorklistRow, ...]:
    """A row for each study by its folder's name, sorted by priority, infected volume, probability of disease.

    outcomes: what each study's diagnosis is, or why there is none.
    """
    rows = []
    for study, outcome in outcomes.items():
        if isinstance(outcome, DiagnosisDocument):
            rows.append(_diagnosed_row(study, outcome, _before(study, outcomes, earlier)))
        else:
            reason = f"not diagnosed, read it without: {outcome}"
            rows.append(WorklistRow(NOT_DIAGNOSED, study, reason, code=outcome.code))
    return tuple(sorted(rows, key=_order))


def _order(row: WorklistRow) -> tuple[int, float, float, str]:
    return row.priority, -(row.infected_ml or 0.0), -(row.probability_diseased or 0.0), row.study


def _before(
    study: str,
    outcomes: Mapping[str, DiagnosisDocument | PneumofedError],
    earlier: Mapping[str, Sequence[EarlierScan]],
) -> tuple[EarlierScan, float] | None:
    """The most recent earlier scan that was diagnosed, and its infected ml."""
    for scan in earlier.get(study, ()):
        outcome = outcomes.get(scan.study)
        if isinstance(outcome, DiagnosisDocument) and outcome.infected.all.infected_ml is not None:
            return scan, outcome.infected.all.infected_ml
    return None


def _diagnosed_row(
    study: str, document: DiagnosisDocument, before: tuple[EarlierScan, float] | None
) -> WorklistRow:
    priority, infected = priority_of(document), document.infected.all
    words = [_WHY[priority], f"{infected.infected_ml:.1f} ml ({format_percent(infected.percent)}) infected"]
    if before is not None:
        words.append(f"{before[1]:.1f} ml {before[0].days} days before")
    return WorklistRow(
        priority=priority,
        study=study,
        reason=f"{', '.join(words)}: {document.verdict}",
        label=document.label,
        uncertain=document.uncertain,
        research_use_only=document.research_use_only,
        probability_diseased=document.diseased.probability,
        probability_covid=document.covid.probability,
        infected_ml=infected.infected_ml,
        infected_percent=infected.percent,
        earlier_study=before[0].study if before else None,
        earlier_days=before[0].days if before else None,
        earlier_infected_ml=before[1] if before else None,
    )


def priority_of(document: DiagnosisDocument) -> int:
    """FOUND, DOUBTFUL or HEALTHY."""
    if document.label != "healthy":
        return DOUBTFUL if document.uncertain else FOUND
    doubtful = document.uncertain or any(limit.code in _DOUBTFUL for limit in document.limits)
    return DOUBTFUL if doubtful else HEALTHY


def worklist_csv(rows: Sequence[WorklistRow]) -> bytes:
    """The rows as a CSV file in UTF-8, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(WorklistRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
