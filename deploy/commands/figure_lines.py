"""The figures of a study or of a model as lines of text, the same ones that the report shows."""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.commands.output import figure_text
from shared_model.constants import LABEL_WORDS, LABELS, TASKS

Block = Mapping[str, Any]

WIDTH = max(map(len, LABEL_WORDS.values()))


def study_lines(document: Block) -> Iterator[str]:
    """Of report.json: what holds at the held-out hospitals, the headline first."""
    unseen = document["pooled"]["unseen"]
    for task in TASKS:
        block = unseen[task]
        yield f"unseen hospitals, {task}:"
        yield f"  AUC within hospitals  {_figure(block, 'within_auc')}"
        yield f"  pooled AUC            {_figure(block, 'auc')}"
        yield f"  accuracy              {_figure(block, 'accuracy')}"
        yield f"  next hospital         {_next_hospital(block)}"
        yield f"  worst hospital        {_worst_hospital(block)}"
        yield f"  calibration error     {_calibration(block)}"
    yield from _called(unseen["three_class"])


def store_lines(figures: Block) -> Iterator[str]:
    """Of one hospital's store: `deploy.evaluate.evaluate`."""
    for task in TASKS:
        block = figures[task]
        for name in ("auc", "accuracy", "sensitivity", "specificity"):
            yield f"{task:8} {name:11} {_figure(block, name)}"
        yield f"{task:8} {'calibration':11} {_calibration(block)}"
    yield from _called(figures["three_class"])


def _figure(block: Block, name: str) -> str:
    return figure_text(block[name]) if block[name] else _undefined(block, name)


def _undefined(block: Block, name: str) -> str:
    return f"undefined: {block['undefined'][name]}"


def _next_hospital(block: Block) -> str:
    found = block["next_hospital"]
    if found is None:
        return _undefined(block, "next_hospital")
    return f"{found['low']:.3f} to {found['high']:.3f}, mean {found['value']:.3f}"


def _worst_hospital(block: Block) -> str:
    found = block["worst_hospital"]
    return _undefined(block, "worst_hospital") if found is None else f"{found['name']} {figure_text(found)}"


def _calibration(block: Block) -> str:
    found = block["calibration"]
    if found is None:
        return _undefined(block, "calibration")
    return f"{found['after']:.3f}, {found['before']:.3f} without the temperature"


def _called(block: Block) -> Iterator[str]:
    """The three-class table, a row for each true label."""
    heads = "  ".join(f"{LABEL_WORDS[label]:>{WIDTH}}" for label in LABELS)
    yield f"{'called:':>{WIDTH + 6}}  {heads}"
    for label in LABELS:
        row, truth = block["counts"][label], f"truly {LABEL_WORDS[label]}"
        counts = None if row is None else "  ".join(f"{row[called]:>{WIDTH}}" for called in LABELS)
        yield f"{truth:>{WIDTH + 6}}  {counts or _undefined(block, label)}"
