"""What encloses each answer of a hospital: the question that it answers, and the head of its audit log.

The coordinator keeps the last head of each hospital and sends it with the next request, so either side
notices a log that was cut, or a state folder that was brought back from a backup (docs/decisions/0103).
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from shared_model.protocol import EvaluateRequest, TrainRequest

LOG_CUT = "log-cut"
"""The code with which a hospital refuses a request: its audit log lacks the line that the coordinator saw."""

_MOST_LINES = 2**53

T = TypeVar("T")


def is_digest(text: object) -> bool:
    """Whether `text` is a SHA-256 as hex digits."""
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text) is not None


@dataclass(frozen=True)
class LogHead:
    """Number, from 1, and hash of the last line of an audit log. Raises ValueError for what is none."""

    number: int
    hash: str

    def __post_init__(self) -> None:
        if type(self.number) is not int or not 1 <= self.number < _MOST_LINES or not is_digest(self.hash):
            raise ValueError("the head of a log is the number of a line and its hash")


@dataclass(frozen=True)
class Envelope:
    """question: `question_of` what was asked; head: of the audit log, None where there is none (simulation).

    Raises ValueError for a question that is no digest.
    """

    question: str
    head: LogHead | None = None

    def __post_init__(self) -> None:
        if not is_digest(self.question):
            raise ValueError("a question is named by a SHA-256")


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An answer in its envelope."""

    answer: T
    envelope: Envelope


def question_of(
    proposal: str, request: TrainRequest | EvaluateRequest | None = None, weights: str = ""
) -> str:
    """The name of one question: SHA-256, as hex digits, of everything that the answer depends on.

    proposal: its fingerprint; request: None asks for the description; weights: fingerprint of the weights
    that are sent along.
    """
    kind = "DescribeRequest" if request is None else type(request).__name__
    asked = {} if request is None else asdict(request)
    canonical = json.dumps([proposal, kind, asked, weights], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
