"""A study's status in words: its state, and for each hospital what it is waited for, or did last."""

import time

from server.status import RUNS, Asked, Awaited, StudyStatus
from server.study_result import HospitalOutcome
from shared_model.fingerprint_words import words_of
from shared_model.quantity import quantity

_OUTCOME = {
    "returned": "returned",
    "late": "did not answer before the deadline",
    "refused": "returned what could not be admitted",
    "failed": "said that it could not",
    "absent": "was not connected",
    "quarantined": "is not asked, as its replies were refused",
}

_DECIDED = {
    "study-declined": "has declined the study",
    "study-withdrawn": "has withdrawn from the study",
}

_AWAITED = {
    "paused": "is paused",
    "study-not-approved": "has not approved the study",
    "study-changed": "has approved another version of the study, not this one",
    "not-connected": "is not connected",
    "trainer-busy": "does another task",
    "deadline": "did not answer in time and is asked again",
}

_NOTICE = {
    "quarantined": "quarantined: two of its replies in a row were refused",
    "log-cut": "its audit log lacks a line that this coordinator saw, as it says itself",
    "log-went-back": "its audit log has fewer lines than this coordinator saw",
    "log-replaced": "its audit log has another line in the place of one that this coordinator saw",
    "log-untold": "it no longer tells the head of its audit log",
}

NOT_APPROVED = ("study-not-approved", "study-changed")


def study_in_words(status: StudyStatus) -> list[str]:
    """A study's state and each hospital's last task, a line each."""
    lines = [headline(status)]
    if status.state in ("waiting", "proposed") and status.fingerprint:
        lines.append(f"  words for the telephone: {words_of(status.fingerprint)}")
    if status.error is not None:
        lines.append(f"  {status.error_code}: {status.error}" if status.error_code else f"  {status.error}")
    if status.state == "interrupted":
        lines.append(
            "  no process runs it: see that `pneumofed coordinator serve` runs; the same `coordinator run` "
            "goes on after the last complete round"
        )
    return [
        *lines,
        *(f"  {line}" for line in hospital_lines(status)),
        *(
            f"  {name}: {_NOTICE.get(code, code)}; ask it why, then `pneumofed coordinator acknowledge`"
            for name, codes in sorted(status.notices.items())
            for code in codes
        ),
    ]


def headline(status: StudyStatus) -> str:
    """State, round, loss and when it will end; of a study that starts its name alone, until more is known."""
    if status.state == "starting":
        return f"study {status.study!r}: starting"
    which = f" ({status.fingerprint})" if status.fingerprint else ""
    parts = [f"study {status.study!r}{which}: {_state(status)}"]
    if status.stage and status.state not in ("waiting", "completed"):
        parts.append(f"stage {status.stage!r}, round {status.round} of {status.rounds}")
    parts.append(f"{status.rounds_done} of {quantity(status.rounds_total, 'round')} done")
    if status.loss:
        parts.append("loss " + ", ".join(f"{task} {loss:.4f}" for task, loss in status.loss.items()))
    if (end := expected_end(status)) is not None:
        parts.append(f"about to end {clock(end)}")
    return ", ".join(parts)


def _state(status: StudyStatus) -> str:
    if status.state not in ("waiting", "proposed"):
        return status.state
    undecided = [name for name, one in sorted(status.awaited.items()) if one.reason in NOT_APPROVED]
    others = sorted(status.awaited.keys() - set(undecided))
    waits = [f"approval by {', '.join(undecided)}"] if undecided else []
    waits += [", ".join(others)] if others else []
    first = ["proposed"] if undecided or status.state == "proposed" else []
    waiting = [f"waiting for {' and for '.join(waits)}"] if waits else []
    begins = [f"begins without them {clock(status.begins)}"] if status.begins is not None else []
    return ", ".join([*first, *waiting, *begins]) or status.state


def expected_end(status: StudyStatus) -> float | None:
    """When the last round will be complete, in seconds since 1970; None if that is not known."""
    if status.state != "running" or status.seconds_per_round is None or status.round_began is None:
        return None
    left = status.rounds_total - status.rounds_done
    return status.round_began + left * status.seconds_per_round if left > 0 else None


def hospital_lines(status: StudyStatus) -> list[str]:
    """What each hospital is waited for, or did last, by name."""
    words = {name: reply_in_words(reply) for name, reply in status.hospitals.items()}
    if status.state in (*RUNS, "proposed"):
        if status.state != "waiting":
            words |= {name: asked_in_words(one) for name, one in status.asked.items()}
        for name, awaited in status.awaited.items():
            asked = status.asked.get(name)
            if asked is None or status.state == "waiting" or awaited.told >= asked.sent:
                words[name] = awaited_in_words(awaited)
    return [f"{name} {text}" for name, text in sorted(words.items())]


def asked_in_words(asked: Asked) -> str:
    return "has not answered yet" if asked.reason is None else f"was asked again ({asked.reason})"


def awaited_in_words(awaited: Awaited) -> str:
    return f"{_AWAITED.get(awaited.reason, f'cannot now ({awaited.reason})')} since {clock(awaited.since)}"


def reply_in_words(reply: HospitalOutcome) -> str:
    """How a hospital's last request ended, to follow its name."""
    if reply.detail is not None:
        return f"cannot take part: {reply.detail}"
    if reply.reason in _DECIDED:
        return _DECIDED[reply.reason]
    if reply.reason in _AWAITED and reply.status == "failed":
        return _AWAITED[reply.reason]
    reason = f" ({reply.reason})" if reply.reason else ""
    return f"{_OUTCOME[reply.status]}{reason} after {reply.seconds:.0f} s"


def clock(seconds: float) -> str:
    """A time in seconds since 1970 by this machine's clock, with the date if it is not today."""
    then, today = time.localtime(seconds), time.localtime()
    same_day = then[:3] == today[:3]
    return time.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M", then)
