"""One request to several hospitals over Flower's Grid, their answers as they arrive."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flwr.app import DEFAULT_TTL, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from server import events
from server.study_result import HospitalReply, Status
from shared_model.protocol import is_code

TRANSIENT = ("trainer-busy", "trainer-unreachable", "worker-died", "reply-lost", "app-died", "disk-full")
"""Codes of failures that may pass by themselves; so may a hospital's absence."""

_OF_FLOWER: dict[int, tuple[Status, str]] = {
    ErrorCode.NODE_UNAVAILABLE: ("absent", "not-connected"),
    # Of a reply whose upload broke off, Flower keeps the announcement alone.
    ErrorCode.MESSAGE_UNAVAILABLE: ("failed", "reply-lost"),
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE: ("failed", "reply-lost"),
    ErrorCode.CLIENT_APP_CRASHED: ("failed", "app-died"),
}

LONGEST_PAUSE_S = 1800.0


@dataclass(frozen=True)
class RoundPolicy:
    """How long the coordinator waits, for how many, and when it asks again.

    deadline_s: for each request of a round; what comes later is never read. poll_s: between looks for
    replies. quorum: hospitals whose training must be admitted for a round to count. retries: how often a
    hospital is asked again that was absent or failed for a reason that may pass. again_s: the pause before
    that, doubled each time; a hospital silent for as long is asked again too, as its node may have lost
    request or reply. One that was away and is back need not wait for longer than the first pause.
    """

    deadline_s: float = math.inf
    poll_s: float = 0.5
    quorum: int = 1
    retries: int = 0
    again_s: float = math.inf


@dataclass(frozen=True)
class Answer:
    """A hospital's reply, or (message None) why there is none."""

    hospital: str
    message: Message | None
    outcome: HospitalReply


@dataclass
class _Asked:
    """A hospital that has not answered yet.

    questions: ids of its messages without a reply. trouble: why it would be asked again. away: its node was
    not connected at the last look.
    """

    hospital: str
    node_id: int
    pause_s: float
    trouble: str | None = None
    questions: list[str] = field(default_factory=list)
    failures: int = 0
    asked_at: float = -math.inf
    again_at: float = math.inf
    away: bool = False


def ask(
    grid: Grid,
    content: RecordDict,
    message_type: str,
    nodes: Mapping[str, int],
    policy: RoundPolicy,
    *,
    group: str,
    tell: events.Listener = events.ignore,
) -> Iterator[Answer]:
    """Send `content` to the hospitals (name -> node id) and yield one answer for each.

    Replies are pulled one by one and yielded as they arrive, so that only one is in memory; when the
    deadline passes, the rest are yielded as late. Of a hospital that was asked again the first good answer
    counts. `group` names the round in Flower's own records. `tell` hears who is asked, and why again.
    """
    return _Exchange(grid, content, message_type, policy, group, tell).answers(nodes)


class _Exchange:
    def __init__(
        self,
        grid: Grid,
        content: RecordDict,
        message_type: str,
        policy: RoundPolicy,
        group: str,
        tell: events.Listener,
    ) -> None:
        self.grid, self.content, self.message_type = grid, content, message_type
        self.policy, self.group, self.tell, self.start = policy, group, tell, time.monotonic()

    def answers(self, nodes: Mapping[str, int]) -> Iterator[Answer]:
        """One answer for each of `nodes`, as `ask` says."""
        pending = [_Asked(name, nodes[name], self.policy.again_s) for name in sorted(nodes)]
        for asked in pending:
            self._send(asked)
        while pending and self._seconds() < self.policy.deadline_s:
            arrived = False
            for asked in list(pending):
                answer = self._look(asked)
                if answer is not None:
                    arrived = True
                    pending.remove(asked)
                    yield answer
                    del answer  # it may hold 13 MB, and the next is read while this waits
                elif time.monotonic() >= asked.again_at:
                    self._send(asked)
            if pending and not arrived:
                time.sleep(self.policy.poll_s)
                self._welcome(pending)
        for asked in pending:
            late = HospitalReply(status="late", reason="deadline", seconds=self._seconds())
            yield Answer(asked.hospital, None, late)

    def _welcome(self, pending: list[_Asked]) -> None:
        """Who was away and is back waits no longer than the first pause, however long the present one is."""
        if math.isinf(self.policy.again_s):
            return
        connected = {node.node_id for node in self.grid.get_nodes()}
        for asked in pending:
            if asked.away and asked.node_id in connected:
                asked.again_at = min(asked.again_at, asked.asked_at + self.policy.again_s)
            asked.away = asked.node_id not in connected

    def _look(self, asked: _Asked) -> Answer | None:
        """The hospital's answer, where there is one that is not to be asked for again."""
        for question in list(asked.questions):
            for reply in list(self.grid.pull_messages([question]))[:1]:
                asked.questions.remove(question)
                answer = _answer(asked.hospital, reply, self._seconds())
                if not self._may_pass(answer.outcome):
                    return answer
                asked.trouble = answer.outcome.reason
                asked.failures += not asked.questions  # else an earlier question is still being worked on
                if asked.failures > self.policy.retries:
                    return answer
        if asked.failures > self.policy.retries:
            unsent = HospitalReply(status="absent", reason="not-sent", seconds=self._seconds())
            return Answer(asked.hospital, None, unsent)
        return None

    def _may_pass(self, outcome: HospitalReply) -> bool:
        return outcome.status == "absent" or (outcome.status == "failed" and outcome.reason in TRANSIENT)

    def _send(self, asked: _Asked) -> None:
        """Ask, once more where need be; an id that is empty says that Flower could not send."""
        self.tell(events.Asked(asked.hospital, asked.trouble))
        ttl = min(self.policy.deadline_s - self._seconds(), DEFAULT_TTL)
        message = Message(
            self.content, asked.node_id, self.message_type, ttl=max(1.0, ttl), group_id=self.group
        )
        sent = [number for number in self.grid.push_messages([message]) if number]
        asked.questions += sent
        asked.failures += not sent
        asked.trouble = "silent" if sent else "not-sent"
        asked.asked_at = time.monotonic()
        asked.again_at = asked.asked_at + asked.pause_s
        asked.pause_s = min(2 * asked.pause_s, max(LONGEST_PAUSE_S, self.policy.again_s))

    def _seconds(self) -> float:
        return time.monotonic() - self.start


def _answer(hospital: str, reply: Message, seconds: float) -> Answer:
    if not reply.has_error():
        return Answer(hospital, reply, HospitalReply(status="returned", seconds=seconds))
    code, said = reply.error.code, reply.error.reason
    # Only a code may be shown: Flower's own reasons can hold an exception's text.
    said = said if said is not None and is_code(said) else f"flower-error-{code}"
    status, reason = _OF_FLOWER.get(code, ("failed", said))
    return Answer(hospital, None, HospitalReply(status=status, reason=reason, seconds=seconds))
