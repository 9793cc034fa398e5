"""What a round of a study will cost each hospital, from the study's rehearsal.

    FOLDER/rehearsal.json    the costs; the weights of the rehearsal are deleted

Seconds of training are those of the rehearsal's round, with as many steps as the study's: a hospital tells
how long a step takes, and the number of steps follows from the patients that it tells of. Scans of a class
that it does not tell of, and further scans of a patient, come on top. An evaluation takes what it took.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.ledger import Ledger
from server.study_result import Hospital, HospitalOutcome, RoundRecord, StudyResult
from shared_model.constants import LABELS, LABELS_OF
from shared_model.files import write_atomically
from shared_model.protocol import is_trained
from shared_model.rehearsal import rehearsal_of
from shared_model.scan_figures import FIGURES
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights

COSTS = "rehearsal.json"


def end_rehearsal(folder: Path, ledger: Ledger, study: StudyConfig, weights: Weights, kept: Path) -> None:
    """Write the costs of `study` into `folder`, and delete the rehearsal's weights with the file `kept`."""
    result = ledger.result()
    if result is None:
        raise ValueError("a rehearsal that has ended has a result")
    text = json.dumps(study_costs(study, result, weights), indent=2, allow_nan=False) + "\n"
    write_atomically(folder / COSTS, text.encode())
    ledger.drop_weights()
    kept.unlink(missing_ok=True)


def study_costs(study: StudyConfig, result: StudyResult, weights: Weights) -> dict[str, Any]:
    """The document of rehearsal.json.

    result: of the rehearsal of `study`; weights: any of the study's, for their sizes. By hospital: `stages`
    with what one round of each costs, `measurement_s` in the end, and `study_s` and `study_bytes` over all
    rounds; null where the hospital did not return or tell.
    """
    return {
        "study": study.name,
        "rehearsal": result.study.name,
        "hospitals": [_hospital(study, result, hospital, weights) for hospital in result.hospitals],
        "left_out": {name: reply.reason or reply.status for name, reply in result.left_out.items()},
    }


def _hospital(
    study: StudyConfig, result: StudyResult, hospital: Hospital, weights: Weights
) -> dict[str, Any]:
    measured = _seconds(result.final_replies.get(hospital.name))
    down = sum(array.nbytes for array in weights.values())
    stages = []
    if hospital.role == "training":
        records = {record.stage: record for record in result.rounds}
        stages = [
            _stage(study, index, records[index], hospital, weights) for index in range(len(study.stages))
        ]
    rounds = [(stage, number) for stage in study.stages for number in range(1, stage.rounds + 1)]
    validations = sum(stage.validates(number) for stage, number in rounds) if study.privacy is None else 0
    bytes_down = down * ((len(rounds) + validations if stages else 0) + (measured is not None))
    bytes_up = sum(cost["bytes_up"] * stage.rounds for cost, stage in zip(stages, study.stages, strict=False))
    told = [cost["memory_mb"] for cost in stages if cost["memory_mb"] is not None]
    return {
        "name": hospital.name,
        "role": hospital.role,
        "tells_all": all(hospital.counts[label] is not None for label in LABELS) and not hospital.at_least,
        "stages": stages,
        "measurement_s": measured,
        "memory_mb": max(told) if told else None,
        "gpu_mb": max((cost["gpu_mb"] for cost in stages if cost["gpu_mb"] is not None), default=None),
        "study_s": _study_seconds(study, stages, measured),
        "study_bytes": bytes_down + bytes_up,
    }


def _stage(
    study: StudyConfig, index: int, record: RoundRecord, hospital: Hospital, weights: Weights
) -> dict[str, Any]:
    """One round of a stage: seconds, bytes to receive and to send, peak memory."""
    stage, trained = study.stages[index], record.train.get(hospital.name)
    returned = trained if trained is not None and trained.status == "returned" else None
    cost = None if returned is None else returned.cost
    down = sum(array.nbytes for array in weights.values())
    validates = study.privacy is None and stage.validate_every > 0
    return {
        "stage": stage.name,
        "rounds": stage.rounds,
        "training_s": None if returned is None else _training_seconds(study, index, returned, hospital),
        "validation_s": _seconds(record.validate_replies.get(hospital.name)),
        "step_ms": None if cost is None else cost.step_ms,
        "steps": _steps(stage, hospital) if stage.part != "scan" else None,
        "memory_mb": None if cost is None else cost.memory_mb,
        "gpu_mb": None if cost is None else cost.gpu_mb,
        "bytes_down": down * (1 + validates),
        "bytes_up": _bytes_up(study, stage, weights),
        "problem": None if returned is not None else _problem(trained),
    }


def _training_seconds(study: StudyConfig, index: int, returned: HospitalOutcome, hospital: Hospital) -> float:
    """What the rehearsal took, with the study's number of steps instead of its own."""
    stage = study.stages[index]
    if stage.part == "scan" or returned.cost is None:
        return returned.seconds  # all scans are summed, in the rehearsal too
    step_s, rehearsed = returned.cost.step_ms / 1000, _steps(rehearsal_of(study).stages[index], hospital)
    besides = max(0.0, returned.seconds - step_s * rehearsed)
    return besides + step_s * _steps(stage, hospital)


def _steps(stage: StageConfig, hospital: Hospital) -> int:
    """Steps of a round over the patients told of, one scan each, as at least there are.

    A round takes the floor's patients of each label.
    """
    told = {task: hospital.told.get(task, 0) for task in stage.networks}
    floor = hospital.count_floor
    return sum(stage.batches(n, least=floor * len(LABELS_OF[task])) for task, n in told.items() if n)


def _bytes_up(study: StudyConfig, stage: StageConfig, weights: Weights) -> int:
    if stage.part == "scan" and study.network.scan_figures is not None:
        return len(LABELS) * 8 * (1 + len(FIGURES[study.network.scan_figures])) ** 2  # int64 sums, by label
    return sum(array.nbytes for name, array in weights.items() if is_trained(name, stage))


def _study_seconds(study: StudyConfig, stages: list[dict[str, Any]], measured: float | None) -> float | None:
    """Of all rounds and the measurement; None if a part is not known."""
    parts = [measured, *_round_seconds(study, stages)]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _round_seconds(study: StudyConfig, stages: list[dict[str, Any]]) -> Iterator[float | None]:
    """Of every round's training and validation at a hospital that trains."""
    for stage, cost in zip(study.stages, stages, strict=False):
        for number in range(1, stage.rounds + 1):
            yield cost["training_s"]
            if study.privacy is None and stage.validates(number):
                yield cost["validation_s"]


def _seconds(reply: HospitalOutcome | None) -> float | None:
    return reply.seconds if reply is not None and reply.status == "returned" else None


def _problem(reply: HospitalOutcome | None) -> str:
    return "not asked" if reply is None else reply.reason or reply.status


def costs_in_words(document: Mapping[str, Any]) -> list[str]:
    """The costs as lines of text, a hospital at a time."""
    lines = [f"what a round of study {document['study']!r} will cost:"]
    for hospital in document["hospitals"]:
        lines.append(f"{hospital['name']} ({hospital['role']})")
        for cost in hospital["stages"]:
            lines.append(f"  {_stage_in_words(cost)}")
        lines.append(f"  measurement in the end: {_time(hospital['measurement_s'])}")
        lines.append(
            f"  the whole study: {_time(hospital['study_s'])}, {_size(hospital['study_bytes'])} over the line"
        )
        if not hospital["tells_all"]:
            lines.append("  at least: it has patients that it does not tell of")
    lines += [f"{name} was left out: {why}" for name, why in document["left_out"].items()]
    return lines


def _stage_in_words(cost: Mapping[str, Any]) -> str:
    if cost["problem"] is not None:
        return f"{cost['stage']}: undefined, no update came back ({cost['problem']})"
    memory = "undefined" if cost["memory_mb"] is None else f"up to {_size(cost['memory_mb'] * 2**20)}"
    gpu = f", {_size(cost['gpu_mb'] * 2**20)} on the GPU" if cost["gpu_mb"] else ""
    rounds = "its one round" if cost["rounds"] == 1 else f"each of {cost['rounds']} rounds"
    return (
        f"{cost['stage']}, {rounds}: about {_time(cost['training_s'])} of training"
        + (f", {_time(cost['validation_s'])} of validation" if cost["validation_s"] is not None else "")
        + f"; receives {_size(cost['bytes_down'])}, sends {_size(cost['bytes_up'])}; memory {memory}{gpu}"
    )


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "undefined"
    if seconds < 120:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _size(count: int) -> str:
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 10**9 else f"{count / 1e9:.1f} GB"
