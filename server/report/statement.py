"""One sentence above all figures: what they allow to say, and what not. Derived from the document alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared_model.constants import LABEL_WORDS, LABELS, TASKS, Task
from shared_model.metrics.random_effects import LEAST_HOSPITALS
from shared_model.model_quality import names_phantoms
from shared_model.rehearsal import is_rehearsal

Document = Mapping[str, Any]

WIDE = 0.2
"""An interval of an AUC that is wider than this tells a good model from a poor one badly."""

_TOLD: dict[Task, str] = {
    "diseased": "diseased from healthy scans",
    "covid": "COVID-19 from other pneumonia",
}


def statement(document: Document) -> str:
    """The sentence, in plain text; names in it are the coordinator's own words."""
    if is_rehearsal(document["study"]["name"]):
        return (
            "This was a rehearsal of one tiny round a stage: these figures allow to say that the study runs "
            "at these hospitals, and nothing about its model."
        )
    if document["partial"]:
        done, planned = len(document["rounds"]), document["rounds_planned"]
        return (
            f"Partial, after {done} of {planned} rounds: these figures come from validation scans of "
            "hospitals that train, and allow to say how training goes, but nothing about the finished model, "
            "about held-out hospitals or about patients."
        )
    may, may_not = list(_may(document)), list(_may_not(document))
    allowed = f"allow to say that {'; '.join(may)}" if may else "allow to say nothing of the model's quality"
    return f"These figures {allowed}; they do not allow to say {_listed(may_not)}."


def _held_out(document: Document) -> list[Document]:
    return [hospital for hospital in document["hospitals"] if hospital["role"] == "held-out"]


def _may(document: Document) -> Iterator[str]:
    for task in TASKS:
        area = document["pooled"]["unseen"][task]["within_auc"]
        if area is None:
            continue
        measured = sum(hospital[task]["auc"] is not None for hospital in _held_out(document))
        where = f"at {measured} held-out hospital{'s' * (measured != 1)}"
        interval = f"95 % interval {area['low']:.3f} to {area['high']:.3f}"
        if area["low"] <= 0.5 <= area["high"]:
            doubt = ", which does not differ from chance"
        elif area["high"] - area["low"] > WIDE:
            doubt = f", known only within {area['high'] - area['low']:.2f}"
        else:
            doubt = ""
        yield f"{where} the model tells {_TOLD[task]} with an AUC of {area['value']:.3f} ({interval}){doubt}"


def _may_not(document: Document) -> Iterator[str]:
    held_out, unseen = _held_out(document), document["pooled"]["unseen"]
    if names_phantoms(document["trained_on"]):
        yield "anything about patients, as the data is described as phantoms"
    if not held_out:
        yield "anything about hospitals where it was not trained, as none was held out"
    for task in TASKS:
        if held_out and unseen[task]["within_auc"] is None:
            why = unseen[task]["undefined"]["within_auc"]
            yield f"how it tells {_TOLD[task]} at held-out hospitals ({why})"
    few = [task for task in TASKS if unseen[task]["within_auc"] and unseen[task]["next_hospital"] is None]
    if few:
        yield f"what to expect at another hospital, which needs {LEAST_HOSPITALS} measured ones"
    hidden = [label for label in LABELS if _is_hidden(held_out, label)]
    if hidden:
        words = " and ".join(LABEL_WORDS[label] for label in hidden)
        yield f"how it does on {words} scans where a held-out hospital has fewer than it tells of"
    silent = [one["name"] for one in document["hospitals"] if _is_silent(one)]
    if silent:
        yield f"how it does at {', '.join(silent)}, of which no scan was scored"
    yield "whether its use helps a patient"


def _is_hidden(hospitals: list[Document], label: str) -> bool:
    return any(one["counts"][label] is None and not _is_silent(one) for one in hospitals)


def _is_silent(hospital: Document) -> bool:
    return bool(hospital["diseased"]["n"] == 0)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, or {parts[-1]}"
