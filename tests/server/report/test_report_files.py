"""The three files of a report, whole or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.report.report_files import write_report
from tests.support import example_result


def test_page_document_and_figures_are_written(tmp_path: Path) -> None:
    document = write_report(tmp_path, example_result.result(), examples=example_result.examples())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures.csv", "report.html", "report.json"]
    assert json.loads((tmp_path / "report.json").read_text()) == document
    page = (tmp_path / "report.html").read_text()
    assert document["statement"].split(";")[0] in page and "2025-10-09 08:53 to 2025-10-09 09:53 UTC" in page
    assert document["dates"] == {
        "started": "2025-10-09T08:53:28+00:00", "ended": "2025-10-09T09:53:20+00:00",
    }  # fmt: skip
    assert "<td>1.42.0</td>" in page


def test_a_partial_report_says_so_in_each_file(tmp_path: Path) -> None:
    result = example_result.result()
    unmeasured: dict[str, Any] = {
        "evaluations": {},
        "final_replies": {},
        "ended": None,
        "rounds": result.rounds[:5],
    }
    document = write_report(tmp_path, result.model_copy(update=unmeasured))
    page = (tmp_path / "report.html").read_text()
    assert "<title>Partial: Made-up study" in page and "partial: 5 of 8 rounds" in page
    assert document["partial"] and document["dates"]["ended"] is None
    assert "Results at held-out hospitals" not in page and 'id="table-3"' not in page
    assert (tmp_path / "figures.csv").read_text().splitlines()[1].startswith("partial,")


def test_a_figure_that_is_not_a_number_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_report(tmp_path, example_result.result(), seconds={"training": float("nan")})
    assert list(tmp_path.iterdir()) == []
