"""benchmarks/results.py: kept results follow the schema, and RESULTS.md is what is written from them."""

import json

import pytest
from pydantic import ValidationError

from benchmarks.results import FIGURES, KEPT, PAGE, benchmarks, keep, page, read_results
from benchmarks.support.result import UNKNOWN
from benchmarks.support.results_table import benchmark_of, read_figures

RUN = {"figures": {"ratio": 26.5}, "machine": "a processor", "commit": "0123abc", "settings": {"rounds": 2}}


def test_the_committed_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text() == page(read_results(KEPT)), "run python -m benchmarks.results"


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.json")), ids=lambda path: path.stem)
def test_a_kept_result_has_figures_machine_commit_and_settings(path) -> None:
    document = json.loads(path.read_text())
    assert list(document) == ["figures", "machine", "commit", "settings"]
    assert document["figures"] and document["machine"] and document["commit"] != UNKNOWN
    assert benchmark_of(path.stem) in benchmarks()


def test_every_figure_that_is_described_was_measured() -> None:
    figures, results = read_figures(FIGURES), read_results(KEPT)
    only_with_gpu = {("network", "matmul_tflops")}
    for benchmark, entries in figures.items():
        measured = {
            name for key, one in results.items() if benchmark_of(key) == benchmark for name in one.figures
        }
        missing = {(benchmark, name) for name in set(entries) - measured}
        assert missing <= only_with_gpu


def test_a_run_is_kept_as_it_was_printed(tmp_path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    keep("preprocessing-gpu", tmp_path / "run.json", folder=tmp_path)
    assert json.loads((tmp_path / "preprocessing-gpu.json").read_text()) == RUN
    keep("preprocessing-gpu", tmp_path / "run.json", "fffffff", folder=tmp_path)
    assert json.loads((tmp_path / "preprocessing-gpu.json").read_text())["commit"] == "fffffff"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [("nothing", {}, "must begin with"), ("preprocessing", {"commit": UNKNOWN}, "--commit")],
)
def test_what_could_not_be_traced_is_not_kept(name: str, change: dict, said: str, tmp_path) -> None:
    (tmp_path / "run.txt").write_text(json.dumps(RUN | change))
    with pytest.raises(SystemExit, match=said):
        keep(name, tmp_path / "run.txt", folder=tmp_path)
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("change", [{"figures": {}}, {"commit": "v1"}, {"machine": ""}, {"date": "today"}])
def test_what_is_no_result_is_refused(change: dict, tmp_path) -> None:
    (tmp_path / "run.txt").write_text(json.dumps(RUN | change))
    with pytest.raises(ValidationError):
        keep("preprocessing", tmp_path / "run.txt", folder=tmp_path)
