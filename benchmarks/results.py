"""Kept results, and the table that is written from them.

python -m benchmarks.results                     write benchmarks/RESULTS.md from benchmarks/results/
python -m benchmarks.results store NAME FILE     keep a run in benchmarks/results/NAME.json first

FILE holds what `python -m benchmarks.BENCHMARK --json` printed. NAME is the name of the benchmark, with a
suffix for another machine or other settings than the usual ones: "network", "network-gpu". A run outside a
Git checkout does not know its commit: give it with --commit.
"""

import argparse
from pathlib import Path

from benchmarks.support.result import UNKNOWN, Result
from benchmarks.support.results_table import benchmark_of, read_figures, table

HERE = Path(__file__).parent
KEPT, FIGURES, PAGE = HERE / "results", HERE / "figures.toml", HERE / "RESULTS.md"
NOT_BENCHMARKS = {"__init__", "results"}

INTRODUCTION = """\
# Results

Written by `python -m benchmarks.results` from `benchmarks/results/`, which holds all figures and settings of
each run, and [figures.toml](figures.toml), which names the figures shown and their goals; do not edit by
hand. Times and speeds compare within one machine only. Figures of earlier code:
[demo](logbook/results-demo.md), [the others](logbook/results-earlier.md).

"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.results",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    store = parser.add_subparsers(dest="action").add_parser("store", help="keep a run")
    store.add_argument("name")
    store.add_argument("file", type=Path)
    store.add_argument("--commit", help="the commit that was run")
    chosen = parser.parse_args()
    if chosen.action == "store":
        keep(chosen.name, chosen.file, chosen.commit)
    PAGE.write_text(page(read_results(KEPT)))


def keep(name: str, file: Path, commit: str | None = None, folder: Path = KEPT) -> None:
    """Write the run in `file` to the folder of results. Raises SystemExit if name or run is not usable."""
    if benchmark_of(name) not in benchmarks():
        raise SystemExit(f"{name}: the name must begin with one of {', '.join(benchmarks())}")
    result = Result.model_validate_json(file.read_text())
    if commit is not None:
        result = Result.model_validate(result.model_dump() | {"commit": commit})
    if result.commit == UNKNOWN:
        raise SystemExit(f"{file}: the commit is unknown; give it with --commit")
    (folder / f"{name}.json").write_text(result.to_json() + "\n")


def read_results(folder: Path) -> dict[str, Result]:
    """The kept results by name."""
    return {path.stem: Result.model_validate_json(path.read_text()) for path in sorted(folder.glob("*.json"))}


def page(results: dict[str, Result]) -> str:
    """The text of RESULTS.md."""
    return INTRODUCTION + table(results, read_figures(FIGURES))


def benchmarks() -> list[str]:
    """The benchmarks that there are, by name."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)


if __name__ == "__main__":
    main()
