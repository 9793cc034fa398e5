"""Puts one question to hospitals and uses each reply. Whatever a reply does costs its own hospital the round.

A hospital can send any bytes. Whatever is raised while its reply is decoded, admitted or added, foreseen or
not, is recorded as its outcome with a code, and the others go on.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from server import events, messages
from server.content_bytes import content_bytes
from server.dispatch import RequestResult, RoundPolicy, send_requests
from server.standing import Kind, Standing, Standings
from server.stop_flag import NOBODY_STOPS, StopFlag
from server.study_result import HospitalOutcome
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

UseReply = Callable[[str, Message], Mapping[str, Any]]
"""Decodes, admits and adds the reply of the hospital of this name; what its outcome shall tell beside."""


@dataclass(frozen=True)
class Question:
    """What is asked, of what kind for Flower; name: `question_of` it, which each reply must repeat."""

    phase: events.Phase
    message_type: str
    group: str
    content: RecordDict
    name: str

    @property
    def kind(self) -> Kind:
        return self.phase if self.phase in ("describe", "train") else "evaluate"


@dataclass(frozen=True)
class Collector:
    """How a run asks: through `grid`, by `policy`, with what is known of the hospitals in `standings`.

    stop: by which people end it; raises PneumofedError STOPPED (stop_flag.py) out of `collect`.
    """

    grid: Grid
    policy: RoundPolicy
    standings: Standings
    on_event: events.Listener = events.ignore
    stop: StopFlag = NOBODY_STOPS

    def with_policy(self, policy: RoundPolicy) -> "Collector":
        return replace(self, policy=policy)

    def collect(
        self, question: Question, nodes: Mapping[str, int], use: UseReply
    ) -> dict[str, HospitalOutcome]:
        """The outcome of each of `nodes` (name -> node id), by name. One reply is in memory at a time.

        A quarantined hospital is asked for nothing but its description.
        """
        outcomes: dict[str, HospitalOutcome] = {}
        if question.phase != "describe":
            outcomes = {name: quarantined for name in nodes if (quarantined := self._quarantined(name))}
        for name, outcome in outcomes.items():
            self.on_event(events.RequestFinished(question.phase, name, outcome))

        def content_for(hospital: str) -> RecordDict:
            return messages.with_head(question.content, self.standings.of(hospital).head)

        asked = {name: node for name, node in nodes.items() if name not in outcomes}
        for result in send_requests(
            self.grid, content_for, question.message_type, asked, self.policy,
            group=question.group, on_event=self.on_event, check_stop=self.stop.check_in_round,
        ):  # fmt: skip
            outcomes[result.hospital] = self._outcome(result, question, use)
            standing = self.standings.of(result.hospital)
            self._note(result.hospital, standing.after(question.kind, outcomes[result.hospital]))
            self.on_event(events.RequestFinished(question.phase, result.hospital, outcomes[result.hospital]))
            del result  # before the next is read
        return dict(sorted(outcomes.items()))

    def _quarantined(self, hospital: str) -> HospitalOutcome | None:
        why = self.standings.of(hospital).quarantined
        return None if why is None else HospitalOutcome(status="quarantined", reason=why)

    def _outcome(self, result: RequestResult, question: Question, use: UseReply) -> HospitalOutcome:
        if result.message is None:
            return result.outcome
        received: int | None = None
        try:
            with _costs_the_round():
                received = content_bytes(result.message.content)
                envelope = messages.read_envelope(result.message)
                if envelope.question != question.name:
                    raise PneumofedError("reply-mismatch", "the reply answers another question")
                told = use(result.hospital, result.message)
        except PneumofedError as error:
            log.warning("%s: reply refused: %s", result.hospital, error.code)
            refused = {"status": "refused", "reason": error.code, "detail": None, "bytes_up": received}
            if question.phase == "describe":
                refused["detail"] = str(error)
            return result.outcome.model_copy(update=refused)
        standing = self.standings.of(result.hospital)
        self._note(result.hospital, standing.after_head(envelope.head))
        return result.outcome.model_copy(update={**told, "bytes_up": received})

    def _note(self, hospital: str, standing: Standing) -> None:
        before = self.standings.of(hospital).notices
        self.standings.put(hospital, standing)
        if standing.notices != before:
            self.on_event(events.HospitalNoticed(hospital, standing.notices))


@contextmanager
def _costs_the_round() -> Iterator[None]:
    """Everything that a reply may raise becomes a PneumofedError; only what ends this process passes."""
    try:
        yield
    except (PneumofedError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic in Rust code, such as safetensors, is no Exception
        raise PneumofedError(
            "reply-unusable", f"using the reply ended with {type(error).__name__}"
        ) from error
