"""What happened in each round at each hospital, and what went over the line, as report.json has it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from server.study_result import HospitalOutcome, RoundRecord, StudyResult


def utc_date(seconds: float | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def round_json(result: StudyResult, record: RoundRecord) -> dict[str, Any]:
    """One round: its figures, when it ended, and how each hospital fared in training and validation."""
    replies = [reply for reply in record.train.values() if reply.status != "quarantined"]
    networks = result.study.stages[record.stage].networks
    return {
        "stage": result.study.stages[record.stage].name,
        "round": record.round,
        "hospitals": {
            "asked": len(replies),
            "returned": sum(reply.status == "returned" for reply in replies),
        },
        "loss": {network: record.mean_loss(network) for network in networks},
        "accuracy": dict(record.accuracy),
        "within_auc": dict(record.within_auc),
        "seconds": round(record.seconds, 2),
        "ended": utc_date(record.ended),
        "train": outcomes(record.train),
        "validate": outcomes(record.validate_replies),
    }


def outcomes(replies: Mapping[str, HospitalOutcome]) -> dict[str, Any]:
    """By hospital: status, reason, seconds, how often it was asked, and its mean loss by network."""
    return {
        name: {
            "status": reply.status,
            "reason": reply.reason,
            "seconds": round(reply.seconds, 2),
            "requests": reply.requests,
            "loss": dict(reply.loss),
        }
        for name, reply in sorted(replies.items())
    }


def traffic(result: StudyResult, hospital: str) -> dict[str, int | None]:
    """Of all requests to a hospital in training, validation and measurement.

    requests: messages sent; again: those beyond the first of a request; bytes_down, bytes_up: of arrays and
    texts, as the coordinator sent and read them. Each is None if a request of an earlier version, which did
    not count, is among them.
    """
    replies = [reply for reply in _replies(result, hospital) if reply.status != "quarantined"]
    if any(reply.requests is None for reply in replies):
        return dict.fromkeys(("requests", "again", "bytes_down", "bytes_up"))
    requests = [reply.requests or 0 for reply in replies]
    return {
        "requests": sum(requests),
        "again": sum(max(0, count - 1) for count in requests),
        "bytes_down": sum(reply.bytes_down or 0 for reply in replies),
        "bytes_up": sum(reply.bytes_up or 0 for reply in replies),
    }


def _replies(result: StudyResult, hospital: str) -> Iterator[HospitalOutcome]:
    rounds = [replies for record in result.rounds for replies in (record.train, record.validate_replies)]
    for replies in (*rounds, result.final_replies):
        if hospital in replies:
            yield replies[hospital]
