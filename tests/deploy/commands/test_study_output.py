import json
from pathlib import Path

import pytest

from deploy.commands.figure_lines import study_lines
from deploy.commands.study_output import print_study
from server.report.report_json import report_document
from tests.support import example_result

DOCUMENT = report_document(example_result.result(), {"training together": 61.0}) | {
    "warnings": ["one hospital alone trains"]
}


def test_people_read_the_figures_where_the_report_is_and_warnings_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_study(DOCUMENT, Path("demo-out"), as_json=False)
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[: len(list(study_lines(DOCUMENT)))] == list(study_lines(DOCUMENT))
    assert lines[-2:] == ["training together 61 s", f"open {Path('demo-out') / 'report.html'}"]
    assert printed.err == "warning: one hospital alone trains\n"


def test_machines_read_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    print_study(DOCUMENT, Path("demo-out"), as_json=True)
    printed = capsys.readouterr()
    assert printed.err == ""
    found = json.loads(printed.out)
    assert found == {name: DOCUMENT[name] for name in ("pooled", "warnings", "weights_sha256", "seconds")}
