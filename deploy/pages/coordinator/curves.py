"""Loss and AUC over rounds, as the page's charts draw them."""

import json
from collections.abc import Sequence
from typing import Any

from server.study_result import RoundRecord
from shared_model.constants import TASK_WORDS, TASKS


def loss_curves(rounds: Sequence[RoundRecord]) -> str:
    """Mean loss of each network, weighted by scans; JSON for charts.js."""
    return _chart(rounds, {task: [record.mean_loss(task) for record in rounds] for task in TASKS}, None)


def auc_curves(rounds: Sequence[RoundRecord]) -> str:
    """AUC within hospitals on validation scans, in the rounds that validate; JSON for charts.js."""
    validated = [record for record in rounds if record.within_auc]
    values = {task: [record.within_auc.get(task) for record in validated] for task in TASKS}
    return _chart(validated, values, (0.0, 1.0), numbers=[rounds.index(one) + 1 for one in validated])


def _chart(
    rounds: Sequence[RoundRecord],
    values: dict[Any, list[float | None]],
    limits: tuple[float, float] | None,
    numbers: Sequence[int] | None = None,
) -> str:
    curves = [
        {"label": TASK_WORDS[task], "colour": f"--{task}", "values": values[task]}
        for task in TASKS
        if any(value is not None for value in values[task])
    ]
    places = list(numbers) if numbers is not None else list(range(1, len(rounds) + 1))
    return json.dumps({"rounds": places, "curves": curves, "range": limits})
