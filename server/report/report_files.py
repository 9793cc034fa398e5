"""Writes a study's report: the one way in which the demo, a simulation and a deployment do it.

FOLDER/report.html     the page
FOLDER/report.json     the same figures for machines
FOLDER/figures.csv     one figure a line, for spreadsheets
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.report.comparison import comparison
from server.report.figures_csv import figures_csv
from server.report.page import Example, render
from server.report.report_json import report_document
from server.study_result import StudyResult
from shared_model.files import write_atomically

PAGE, DOCUMENT, FIGURES = "report.html", "report.json", "figures.csv"


def write_report(
    folder: Path,
    result: StudyResult,
    *,
    seconds: Mapping[str, float] | None = None,
    examples: Sequence[Example] = (),
    against: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the three files, each atomically, into the existing `folder`; returns report.json's document.

    seconds: as for `report_document`; examples: shown on the page; against: the document of another finished
    study, to be compared with.
    """
    document = report_document(result, seconds)
    document["comparison"] = None if against is None else comparison(document, against)
    files = {
        PAGE: render(document, examples),
        FIGURES: figures_csv(document),
        DOCUMENT: json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, text in files.items():
        write_atomically(folder / name, text.encode())
    return document
