"""Ways of learning a decision where hospitals hold few or one of the classes, at unseen scanners.

`python -m benchmarks.label_skew --prepare [--folder FOLDER]`, then `... [--json] [--folder FOLDER]`

Federations: `paper` (Table 2's training hospitals), `one-class` (nobody has both labels of a task), and
`paper` with the reversed law of where disease lies. Patch infection is learned once for each, federated
and in one place (--prepare); the rows learn the decisions on these features (support/skew_rows.py).

gap_diseased, gap_covid      median over seeds of pooled minus federated within-hospital AUC at unseen
                             hospitals, both with the closed form of the infection map, federation `paper`
largest_gap_diseased, ...    the largest over seeds
worst_diseased, worst_covid  least federated one of these
one_class_diseased, ...      median within-hospital AUC of the closed form, federation `one-class`
law_loss                     most by which a figure set falls below two-class FedAvg, median over seeds, over
                             both laws and tasks; negative if neither does
minutes, prepare_minutes     what this run took, and --prepare before it, both by the clock

All rows, federations and seeds are in `settings.table`.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.support.result import print_result
from benchmarks.support.skew_rows import measure, rows
from benchmarks.support.skewed_federation import (
    POOL,
    Federation,
    prepare_federation,
    read_federation,
    read_learned,
)
from client.learning.malloc_settings import keep_freed_memory
from shared_model.constants import TASKS, Task
from shared_model.scan_figures import FIGURES
from shared_model.study import load_study

SEEDS = (300, 301, 302, 303, 304)
REVERSED_SEEDS = (300, 301, 302)
FOLDER = Path("label-skew")
Table = dict[str, dict[str, Any]]
"""By federation and by row."""


def federations() -> list[Federation]:
    usual = [Federation(name, "usual", seed) for seed in SEEDS for name in ("paper", "one-class")]
    return usual + [Federation("paper", "reversed", seed) for seed in REVERSED_SEEDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--prepare", action="store_true", help="Make what is missing, and stop.")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="Processes, of one thread each.")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.prepare:
        print(f"prepared in {sum(_prepared(chosen.folder, chosen.jobs)) / 60:.1f} minutes")
        return
    start = time.monotonic()
    table = _table(chosen.folder, chosen.jobs)
    figures = figures_of(table)
    figures["minutes"] = (time.monotonic() - start) / 60
    figures["prepare_minutes"] = sum(_prepared(chosen.folder, 1)) / 60
    settings = {"seeds": SEEDS, "reversed_seeds": REVERSED_SEEDS, "table": table}
    print_result(figures, settings, as_json=chosen.json)


def _prepared(folder: Path, jobs: int) -> list[float]:
    """The seconds of each federation. Two are prepared side by side, each on one core."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        return list(pool.map(_prepare, [(federation, folder) for federation in federations()]))


def _prepare(task: tuple[Federation, Path]) -> float:
    federation, folder = task
    seconds = prepare_federation(federation, folder, load_study("demo"), jobs=1)
    print(f"{federation.folder_name}: {seconds / 60:.1f} minutes", file=sys.stderr, flush=True)
    return seconds


def _table(folder: Path, jobs: int) -> Table:
    tasks = [(federation, folder) for federation in federations()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        found = pool.map(_measure, tasks)
        return {federation.folder_name: by_row for (federation, _), by_row in zip(tasks, found, strict=True)}


def _measure(task: tuple[Federation, Path]) -> dict[str, Any]:
    """All rows of a federation."""
    federation, folder = task
    demo = load_study("demo")
    sites = read_federation(federation, folder, demo)
    hospitals = {
        "federated": list(sites.roles),
        "pooled": [POOL, *(name for name, role in sites.roles.items() if role == "held-out")],
    }
    known = {name: sites.with_features(of, read_learned(sites, name)) for name, of in hospitals.items()}
    training = [name for name, role in sites.roles.items() if role == "training"]
    by_row: dict[str, Any] = {}
    for row in rows(demo, training):
        by_row[row.name] = measure(known[row.weights], row)
        print(
            f"{federation.folder_name}, {row.name}: {_in_words(by_row[row.name])}",
            file=sys.stderr,
            flush=True,
        )
    return by_row


def _one_thread() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()


def _in_words(found: Mapping[str, Any]) -> str:
    if "undefined" in found:
        return str(found["undefined"])
    return ", ".join(f"{task} {found[task]['within_auc'] or float('nan'):.3f}" for task in TASKS)


CLOSED = "closed-form, infection-map"


def figures_of(table: Table) -> dict[str, float | None]:
    """The figures of the module's docstring but for times."""
    usual = [f.folder_name for f in federations() if (f.name, f.law) == ("paper", "usual")]
    reversed_law = [f.folder_name for f in federations() if f.law == "reversed"]
    one_class = [f.folder_name for f in federations() if f.name == "one-class"]
    figures: dict[str, float | None] = {}
    for task in TASKS:
        federated, pooled = (_areas(table, usual, row, task) for row in (CLOSED, f"pooled {CLOSED}"))
        gaps = [one - other for one, other in zip(pooled, federated, strict=True)]
        figures |= {f"gap_{task}": median(gaps), f"largest_gap_{task}": max(gaps)}
        figures[f"worst_{task}"] = min(federated)
        figures[f"one_class_{task}"] = median(_areas(table, one_class, CLOSED, task))
    figures["law_loss"] = max(
        _loss(table, places, figure_set, task)
        for places in (usual, reversed_law)
        for figure_set in FIGURES
        for task in TASKS
    )
    return figures


def _loss(table: Table, places: Sequence[str], figure_set: str, task: Task) -> float:
    """By how much the closed form falls below two-class FedAvg, median over seeds."""
    fed_avg = _areas(table, places, "two-class", task)
    closed = _areas(table, places, f"closed-form, {figure_set}", task)
    return median(one - other for one, other in zip(fed_avg, closed, strict=True))


def _areas(table: Table, places: Sequence[str], row: str, task: Task) -> list[float]:
    return [float(table[place][row][task]["within_auc"]) for place in places]


if __name__ == "__main__":
    main()
