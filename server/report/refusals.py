"""Whose replies were refused, how often and why, and what else people are to know of a hospital."""

from collections import Counter
from typing import Any

from server.study_result import StudyResult


def refusals(result: StudyResult) -> dict[str, Any]:
    """By hospital: `replies`, the number of refused ones by code, and `notices`; empty if there are none.

    Replies are those to training and validation in every round, and those to the final evaluation.
    """
    codes: dict[str, Counter[str]] = {}
    rounds = [replies for record in result.rounds for replies in (record.train, record.validate_replies)]
    for replies in [*rounds, result.final_replies]:
        for name, reply in replies.items():
            if reply.status == "refused":
                codes.setdefault(name, Counter())[str(reply.reason)] += 1
    return {
        name: {
            "replies": dict(sorted(codes.get(name, {}).items())),
            "notices": list(result.notices.get(name, ())),
        }
        for name in sorted(codes.keys() | result.notices.keys())
    }
