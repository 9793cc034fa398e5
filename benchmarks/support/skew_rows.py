"""The ways of learning a decision that `benchmarks.label_skew` compares, on the same features."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flwr.app import Message
from flwr.serverapp import Grid

from benchmarks.support.skewed_federation import POOL, Sites, read_learned
from deploy.simulation.local_grid import LocalGrid, client_app
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.report.group_metrics import group_block
from server.rounds import run_study
from server.study_result import StudyResult
from shared_model.constants import TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.scan_figures import FIGURES, FigureSet
from shared_model.strategy import FedAdamConfig, FedProxConfig
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig

SHORTER = 0.4
"""Rounds of a decision stage, as a share of the demo's: there are hundreds of them."""


@dataclass(frozen=True)
class Row:
    """study: whose stages are run; weights: which learned features they start from; hospitals: those that
    train, None for all of the federation's; count_floor: of all of them."""

    name: str
    study: StudyConfig
    weights: str = "federated"
    hospitals: tuple[str, ...] | None = None
    count_floor: int = 1


def rows(demo: StudyConfig, training: Sequence[str]) -> Iterator[Row]:
    """All rows of the table; `training` are the federation's training hospitals."""
    by_scans, two_class = decision_study(demo, "scans"), decision_study(demo, "two-class")
    yield Row("fedavg", by_scans)
    yield Row("equal", decision_study(demo, "equal"))
    yield Row("two-class", two_class)
    for strategy in (FedProxConfig(name="fedprox", mu=0.1), FedAdamConfig(name="fedadam")):
        yield Row(strategy.name, by_scans.model_copy(update={"strategy": strategy}))
    for figure_set in FIGURES:
        closed = closed_form_study(demo, figure_set)
        yield Row(f"closed-form, {figure_set}", closed)
        yield Row(f"closed-form, {figure_set}, floor 10", closed, count_floor=10)
        yield Row(f"pooled closed-form, {figure_set}", closed, "pooled", (POOL,))
    yield Row("fedavg, floor 10", by_scans, count_floor=10)
    yield Row("two-class, floor 10", two_class, count_floor=10)
    yield Row("pooled", by_scans, "pooled", (POOL,))
    for hospital in training:
        for task in TASKS:
            alone = decision_study(demo, "two-class", (task,))
            yield Row(f"single {hospital}, {task}", alone, hospitals=(hospital,))


def decision_study(demo: StudyConfig, say: str, tasks: Sequence[Task] = TASKS) -> StudyConfig:
    """The demo's decision stages of `tasks` alone, shorter, with another say."""
    chosen = [
        stage for stage in demo.stages if stage.part == "decision" and set(stage.networks) <= set(tasks)
    ]
    network = demo.network.model_copy(update={"scan_figures": None})
    stages = tuple(_shorter(stage, say) for stage in chosen)
    return demo.model_copy(update={"network": network, "stages": stages})


def closed_form_study(demo: StudyConfig, figure_set: FigureSet) -> StudyConfig:
    """Nothing but a scan decision in closed form."""
    stage = StageConfig(name="scan decision", networks=TASKS, part="scan", rounds=1)
    network = demo.network.model_copy(update={"scan_figures": figure_set})
    return demo.model_copy(update={"network": network, "stages": (stage,)})


def _shorter(stage: StageConfig, say: str) -> StageConfig:
    rounds = max(1, round(SHORTER * stage.rounds))
    averaged = max(1, round(SHORTER * stage.average_rounds))
    return stage.model_copy(
        update={"rounds": rounds, "validate_every": rounds, "average_rounds": averaged, "say": say}
    )


def measure(sites: Sites, row: Row) -> dict[str, Any]:
    """What a row reaches at the held-out hospitals, and what it costs.

    {task: {within_auc, auc, sensitivity, specificity}}, rounds, megabytes, seconds (of the processor);
    `undefined` instead, with the reason's code, if nobody had a say.
    """
    held_out = [name for name, role in sites.roles.items() if role == "held-out"]
    training = row.hospitals or [name for name, role in sites.roles.items() if role == "training"]
    study = row.study.model_copy(update={"seed": sites.study.seed})
    here = replace(sites, study=study, count_floor=row.count_floor)
    grid = CountingGrid(client_app(here), [*training, *held_out])
    start = time.process_time()
    try:
        result = _run(grid, here, row.weights)
    except PneumofedError as error:
        if error.code != "nobody-trained":
            raise
        return {"undefined": error.code}
    return {
        **{task: _figures(result, task) for task in TASKS},
        "rounds": len(result.rounds),
        "megabytes": grid.bytes / 1e6,
        "seconds": time.process_time() - start,
    }


def _run(grid: Grid, sites: Sites, learned: str) -> StudyResult:
    weights = read_learned(sites, learned)
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), sites.study, weights)
        return run_study(grid, sites.study, weights, ledger=ledger, policy=RoundPolicy(poll_s=0))


def _figures(result: StudyResult, task: Task) -> dict[str, float | None]:
    held_out = {h.name for h in result.hospitals if h.role == "held-out"}
    found = {name: evaluation for name, evaluation in result.evaluations.items() if name in held_out}
    block = group_block(found, task, getattr(result.operating_point, task), 1.0, lambda label: label)
    names = ("within_auc", "auc", "sensitivity", "specificity")
    return {name: None if block[name] is None else float(block[name]["value"]) for name in names}


class CountingGrid(LocalGrid):
    """Counts the bytes of all messages' content, both ways."""

    bytes = 0

    def answer(self, message: Message) -> Message:
        reply = super().answer(message)
        self.bytes += sum(_size(m) for m in (message, reply) if m.has_content())
        return reply


def _size(message: Message) -> int:
    return sum(record.count_bytes() for record in message.content.values())
