"""The report of a ledger, written by another process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.report_process import ReportProcess
from shared_model.errors import PneumofedError
from tests.support.local_rounds import run


def test_a_report_comes_from_the_ledger_alone(tmp_path: Path) -> None:
    ledger, out = tmp_path / "ledger", tmp_path / "out"
    out.mkdir()
    whole = run(ledger)
    process = ReportProcess(ledger, out)
    process.write_partial()
    process.write_partial()  # while the first one runs there is no second
    process.write()
    document = json.loads((out / "report.json").read_text())
    assert not document["partial"] and document["weights_sha256"] == whole.weights_sha256
    assert {path.name for path in out.iterdir()} == {"report.json", "report.html", "figures.csv"}


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(PneumofedError) as caught:
        ReportProcess(tmp_path / "ledger", tmp_path).write()
    assert caught.value.code == "report-failed"


def test_the_round_loops_process_loads_no_drawing_and_no_web_library() -> None:
    heavy = ("matplotlib", "jinja2", "fastapi", "torch")
    code = f"import sys, server.app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
