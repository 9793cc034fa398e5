"""benchmarks/support/result.py: one object with figures, machine, commit and settings."""

import json

import pytest
from pydantic import ValidationError

from benchmarks.support.result import print_result


def test_a_result_is_one_object_with_its_machine_and_commit(capsys) -> None:
    print_result({"auc": 0.5, "gone": None}, {"scans": 3}, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["figures", "machine", "commit", "settings"]
    assert document["figures"] == {"auc": 0.5, "gone": None} and document["settings"] == {"scans": 3}
    assert "torch" in document["machine"] and document["commit"]


def test_people_read_an_undefined_figure_as_a_word(capsys) -> None:
    print_result({"auc": 0.5, "gone": None}, {}, as_json=False)
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[:2]] == [
        ["auc", "0.500"], ["gone", "undefined"]
    ]  # fmt: skip


def test_a_figure_that_is_not_finite_is_no_result() -> None:
    with pytest.raises(ValidationError):
        print_result({"auc": float("nan")}, {}, as_json=True)
