"""benchmarks/support/results_table.py on a table written by hand."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmarks.support.result import Result
from benchmarks.support.results_table import Figure, read_figures, shown, table

FIGURES = """\
[speed]
ratio = { means = "plain over ours", at_least = 2, goal_for = ["speed"] }
difference = { means = "from the truth", at_most = 0.01, plus = "noise" }
gone = { means = "never measured" }
[other]
auc = { means = "AUC" }
"""

TABLE = """\
| benchmark | figure | what it is | result | goal | met | machine and commit |
| --- | --- | --- | --- | --- | --- | --- |
| [speed](results/speed.json) | `ratio` | plain over ours | 2 | at least 2 | yes | CPU; aaaaaaa |
|  | `difference` | from the truth | 0.013 | at most 0.01 + noise | **no** |  |
| [speed-b](results/speed-b.json) | `ratio` | plain over ours | 1.5 |  |  | old CPU; bbbbbbb |
|  | `difference` | from the truth | 0.012 | at most 0.01 + noise | yes |  |
| [other](results/other.json) | `auc` | AUC | 0.8 (0.7 to 0.9) |  |  | CPU; ccccccc |
"""


def result(machine: str, commit: str, **figures: float) -> Result:
    return Result(figures=figures, machine=machine, commit=commit, settings={})


def test_goals_stand_beside_results(tmp_path: Path) -> None:
    (tmp_path / "figures.toml").write_text(FIGURES)
    results = {
        "other": result("CPU", "c" * 7, auc=0.8, auc_low=0.7, auc_high=0.9),
        "speed-b": result("old CPU", "b" * 7, ratio=1.5, difference=0.012, noise=0.002),
        "speed": result("CPU", "a" * 7, ratio=2.0, difference=0.013, noise=0.002),
    }
    assert table(results, read_figures(tmp_path / "figures.toml")) == TABLE


@pytest.mark.parametrize(
    ("value", "text"), [(None, "undefined"), (0.99960, "0.9996"), (2e-7, "2e-07"), (18545.2, "18,545")]
)
def test_values_have_four_digits_at_most(value: float | None, text: str) -> None:
    assert shown(value) == text


def test_a_goal_has_one_bound() -> None:
    with pytest.raises(ValidationError, match="not both"):
        Figure(means="AUC", at_least=0, at_most=1)
