"""A proposed study in words, for the people who decide on it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from client.hospital_settings import HospitalSettings
from client.trainer.class_warnings import Patients, class_lines
from client.trainer.setting_lines import setting_lines
from shared_model.fingerprint_words import words_of
from shared_model.printable_text import escape
from shared_model.proposal import BYTES_A_VALUE, Proposal
from shared_model.protocol import is_trained
from shared_model.scan_figures import FIGURES
from shared_model.study import WEAK_EPSILON, StudyConfig
from shared_model.study_stage import Part, StageConfig
from shared_model.subgroups import DIVISION_WORDS, PART_WORDS, PARTS, Division, least_of_last_part

_PART: dict[Part, str] = {
    "lobe": "layers for lobes and patches",
    "patches": "patch infection",
    "decision": "decision on lobes",
    "fine": "fine infection",
    "scan": "decision on scans",
}

_PURPOSE = {
    "train": "train the networks on this hospital's scans",
    "evaluate": "measure the networks on this hospital's scans",
}


@dataclass(frozen=True)
class Section:
    """One part of what people read before they decide; every text is escaped."""

    title: str
    lines: tuple[str, ...]


def proposal_sections(
    proposal: Proposal,
    hospital: HospitalSettings,
    last: Proposal | None,
    *,
    floor_before: int | None,
    epsilon_spent: float,
    proposed: str | None,
    patients: Patients | None,
) -> list[Section]:
    """Who asks, what will run, what leaves and stays, what it costs, what differs from before, all settings.

    Every line is escaped: what the coordinator wrote cannot act on the screen. last: another proposal,
    approved before, if any; floor_before: the hospital's `count_floor` at its last approval; epsilon_spent:
    by all private training here until now; proposed: when it was proposed here; patients: by class, None
    where they were not counted.
    """
    study, floor = proposal.study, hospital.limits.count_floor
    trains = _trains(proposal, hospital)
    parts: list[tuple[str, Iterator[str]]] = [
        (f"Study {study.name!r}, fingerprint {proposal.fingerprint}", _asks(proposal, hospital, proposed)),
        ("What will run", _runs(proposal, hospital)),
        ("What leaves the hospital", _leaves(proposal, hospital)),
        ("What stays in the hospital", _stays(hospital)),
        ("What it costs", _costs(proposal, hospital)),
        ("What it may disclose about a patient", _disclosure(proposal, hospital, last, epsilon_spent)),
        ("What this hospital's classes mean for it", class_lines(proposal, patients, floor, trains=trains)),
        ("What differs from the last approval", _differs(proposal, hospital, last, floor_before)),
        ("All settings", setting_lines(study)),
    ]
    return [Section(escape(title), tuple(escape(line) for line in lines)) for title, lines in parts]


def sections_as_text(sections: Sequence[Section]) -> str:
    """The sections for a terminal."""
    return "\n\n".join("\n".join([one.title, *(f"  {line}" for line in one.lines)]) for one in sections)


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """One line for each value that differs between two JSON documents."""
    if isinstance(before, dict) and after is None:
        after = {}
    if isinstance(after, dict) and before is None:
        before = {}
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from differences(before.get(name), after.get(name), f"{where}.{name}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{where}[{index}]")
    elif before != after:
        yield f"{where}: {_shown(before)} -> {_shown(after)}"


def _asks(proposal: Proposal, hospital: HospitalSettings, proposed: str | None) -> Iterator[str]:
    yield f"words for the telephone: {words_of(proposal.fingerprint)}"
    when = "" if proposed is None else f", first proposed here at {proposed}"
    yield f"asked by the coordinator at {hospital.coordinator.address}{when}"


def _stays(hospital: HospitalSettings) -> Iterator[str]:
    yield "every scan and what is computed of one: grey values, lungs, features, scores, areas"
    yield "names, identifiers, dates, file names and paths, and the label of each scan"
    floor = hospital.limits.count_floor
    yield f"any number of patients below {floor}; the secret that draws who trains and who is measured"


def _runs(proposal: Proposal, hospital: HospitalSettings) -> Iterator[str]:
    study = proposal.study
    for purpose in proposal.purposes:
        if purpose == "evaluate" or hospital.role == "training":
            yield f"will {_PURPOSE[purpose]}"
    if hospital.role == "held-out":
        yield "will not train here: this hospital's role is held-out"
    for number, stage in enumerate(study.stages, start=1):
        yield f"stage {number}, {stage.name!r}: {_stage_in_words(stage)}"
    parts = ((f"{share:.0%} to {purpose}") for purpose, share in _shares(study))
    yield f"of the patients {', '.join(parts)}, drawn by a secret of this hospital"
    yield f"random draws from seed {study.seed}"
    if proposal.trained_on:
        yield f"the model will say that it was trained on: {proposal.trained_on}"
    if _trains(proposal, hospital):
        yield f"learns from classes with at least {hospital.limits.count_floor} training patients alone"
    yield f"on {hospital.device}, in a process without a network"
    installed = f"the installed pneumofed {version('pneumofed')}"
    yield f"code that runs: {installed}; no code is taken from the coordinator"


def _stage_in_words(stage: StageConfig) -> str:
    what = f"the {_PART[stage.part]} of {' and '.join(stage.networks)}"
    if stage.part == "scan":
        return f"{what}, from sums over the training scans, once"
    rate = f"learning rate {stage.learning_rate:g}"
    if stage.final_learning_rate is not None:
        rate += f" falling to {stage.final_learning_rate:g}"
    return (
        f"{what} in {_counted(stage.rounds, 'round')} of {_counted(stage.epochs, 'pass', 'passes')} over the "
        f"training scans, two batches at least; batches of {_counted(stage.scans_per_batch, 'scan')} with "
        f"{_counted(stage.lobes_per_scan, 'lobe')} each; {stage.optimizer}, {rate}"
    )


def _counted(number: float, one: str, several: str | None = None) -> str:
    return f"{number:g} {one if number == 1 else several or one + 's'}"


def _shares(study: StudyConfig) -> list[tuple[str, float]]:
    return [("train", study.split.train), ("validate", study.split.validation), ("test", study.split.test)]


def _leaves(proposal: Proposal, hospital: HospitalSettings) -> Iterator[str]:
    private = proposal.study.privacy is not None
    if _trains(proposal, hospital):
        for stage in proposal.study.stages:
            if stage.part == "scan":
                yield _sums(proposal, stage, hospital)
                continue
            arrays = _trained(proposal, stage)
            yield (
                f"each round of {stage.name!r}: {len(arrays)} arrays of weights, {_bytes(_nbytes(arrays))}; "
                "the time of a step and the peak memory; the number of patients told of below, of each "
                "network that learned" + ("" if private else "; the mean loss")
            )
            if stage.say == "two-class":
                yield (
                    f"with {stage.name!r}: whether both classes of a decision have enough training patients "
                    "here, as without them the decision is not trained"
                )
    if private and hospital.role == "training":
        yield "no loss and no scores: this study measures only at hospitals that do not train"
    else:
        floor = hospital.limits.count_floor
        yield (
            "when measured: counts by class of scores and of what scans are called, none of a class with "
            f"fewer than {floor} patients"
        )
        if proposal.study.subgroups is not None:
            yield _subgroups(proposal.study.subgroups, floor)
    floor = hospital.limits.count_floor
    yield (
        f"once: role, fingerprints, patients by class, fewer than {floor} told as fewer; versions of "
        "software and kit, the last day of the hospital's certificate"
    )
    yield "of an error: its code. No scan, name, date, UID or path"


def _subgroups(division: Division, floor: int) -> str:
    parts = "; ".join(PART_WORDS[part] for part in PARTS[division])
    rest = f"; the last one told may hold fewer than {floor} of others" if floor > 1 else ""
    least = least_of_last_part(floor)
    return (
        f"with the last measurement: scores by {DIVISION_WORDS[division]} ({parts}), by class, of subgroups "
        f"of at least {floor} patients{rest}; none of a class with fewer than {least}. From then on this "
        "hospital approves no study with other subgroups"
    )


def _sums(proposal: Proposal, stage: StageConfig, hospital: HospitalSettings) -> str:
    figure_set = proposal.study.network.scan_figures
    figures = len(FIGURES[figure_set]) if figure_set else 0
    least = max(hospital.limits.count_floor, 2 * figures)
    return (
        f"once in {stage.name!r}: by class, the number of training scans and the sums and products of "
        f"{figures} figures over them, none of a class of fewer than {least} patients"
    )


def _costs(proposal: Proposal, hospital: HospitalSettings) -> Iterator[str]:
    study, trains = proposal.study, _trains(proposal, hospital)
    rounds = sum(stage.rounds for stage in study.stages)
    down = rounds * proposal.nbytes * (2 if trains else 1)
    up = sum(stage.rounds * _nbytes(_trained(proposal, stage)) for stage in study.stages) if trains else 0
    yield f"about {_bytes(down)} to receive and {_bytes(up)} to send over {_counted(rounds, 'round')}"
    names, largest = list(proposal.arrays), max(proposal.arrays, key=lambda n: math.prod(proposal.arrays[n]))
    shape = " x ".join(map(str, proposal.arrays[largest])) or "one number"
    yield f"{len(names)} arrays, {_bytes(proposal.nbytes)} in all; the largest is {largest}, {shape}"
    yield f"at most {hospital.limits.task_minutes:g} minutes per job"
    if trains:
        passes = sum(stage.rounds * stage.epochs for stage in study.stages)
        yield f"{_counted(passes, 'pass', 'passes')} over the training scans in all"


def _disclosure(
    proposal: Proposal, hospital: HospitalSettings, last: Proposal | None, spent: float
) -> Iterator[str]:
    privacy = proposal.study.privacy
    if last is not None and last.study.split != proposal.study.split:
        yield (
            "its shares of patients differ from those of the study approved before: the counts of both "
            f"together can tell of fewer than {hospital.limits.count_floor} patients"
        )
    if not _trains(proposal, hospital):
        yield "nothing through weights: this hospital does not train"
    elif privacy is None:
        yield "weights are sent without noise; nothing bounds (no epsilon) what they disclose about a patient"
    else:
        yield (
            f"at most epsilon {privacy.epsilon:g}, but for a chance of {privacy.delta:g} (delta), counting "
            "all private training here, earlier studies included: by what a patient's scans show, no outcome "
            f"is more than {_odds(privacy.epsilon)} times as likely"
        )
        yield f"spent until now: epsilon {spent:.3g}; training is refused once the next round would exceed it"
        noise = privacy.noise_multiplier
        yield (
            f"in each step a patient's gradient is clipped to norm {privacy.clip_norm:g} and noise is added: "
            + ("the least that suffices for all rounds" if noise is None else f"{noise:g} times that norm")
        )
        yield "not covered: the counts of patients by class, studies without noise, and how long a job takes"


def _trains(proposal: Proposal, hospital: HospitalSettings) -> bool:
    return hospital.role == "training" and "train" in proposal.purposes


def _differs(
    proposal: Proposal, hospital: HospitalSettings, last: Proposal | None, floor_before: int | None
) -> Iterator[str]:
    floor = hospital.limits.count_floor
    if floor_before is not None and floor_before != floor:
        yield f"this hospital's own count_floor: {floor_before} -> {floor}"
    if last is None:
        yield "nothing was approved before"
        return
    yield from differences(last.model_dump(mode="json"), proposal.model_dump(mode="json"))


def _odds(epsilon: float) -> str:
    power = f"e^{epsilon:g}"
    if epsilon > WEAK_EPSILON:
        return f"{power} (so large a number that it protects nobody)"
    return f"{power} = {math.exp(epsilon):.3g}"


def _trained(proposal: Proposal, stage: StageConfig) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in proposal.arrays.items() if is_trained(name, stage)}


def _nbytes(arrays: dict[str, tuple[int, ...]]) -> int:
    return BYTES_A_VALUE * sum(math.prod(shape) for shape in arrays.values())


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


def _shown(value: Any) -> str:
    return "absent" if value is None else str(value)
