"""Sends one request to several hospitals over Flower's Grid and yields their results as they arrive."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flwr.app import DEFAULT_TTL, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid
from google.protobuf.message import DecodeError

from server import events
from server.content_bytes import content_bytes
from server.study_result import HospitalOutcome, Status
from shared_model.polling import Pauses
from shared_model.protocol import is_code

TRANSIENT_CODES = (
    "trainer-unreachable", "worker-died", "reply-lost", "app-died", "disk-full",
)  # fmt: skip
"""Failures after which a request is sent again, as it is to a hospital that is not connected."""

WAITED_CODES = ("paused", "trainer-busy")
"""Those of a hospital that is well and will answer: it is asked again until the deadline, at even pauses."""

_FLOWER_ERRORS: dict[int, tuple[Status, str]] = {
    ErrorCode.NODE_UNAVAILABLE: ("absent", "not-connected"),
    # Flower keeps only the announcement of a reply whose upload was interrupted.
    ErrorCode.MESSAGE_UNAVAILABLE: ("failed", "reply-lost"),
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE: ("failed", "reply-lost"),
    ErrorCode.CLIENT_APP_CRASHED: ("failed", "app-died"),
}

MAX_BACKOFF_S = 1800.0
LONGEST_POLL_S = 0.5
LOOK_S = 5.0
"""How often to look which nodes are connected: one that is not counts as gone after 60 s."""

_UNREADABLE = (
    ArithmeticError, AttributeError, DecodeError, LookupError, MemoryError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What Flower raises for a reply whose bytes are none; a lost connection raises others."""


@dataclass(frozen=True)
class RoundPolicy:
    """Deadline, quorum and retries of a round (docs/decisions/0083).

    deadline_s: time for each request; later replies are discarded. poll_s: least interval between polls.
    quorum: least number of admitted updates in a round. required: hospitals without whose update no round
    counts. retries: how often a request is sent again to a hospital that is absent or failed with a transient
    code. retry_after_s: pause before the first retry, doubled for each further one. A request without a reply
    for that long is sent again too, as the node may have lost request or reply. A hospital that reconnects
    waits at most for the first pause.
    """

    deadline_s: float = math.inf
    poll_s: float = 0.1
    quorum: int = 1
    retries: int = 0
    retry_after_s: float = math.inf
    required: frozenset[str] = frozenset()

    @property
    def repeats(self) -> bool:
        """Whether a request is ever sent again; the engines of one machine ask once."""
        return math.isfinite(self.retry_after_s)


@dataclass(frozen=True)
class RequestResult:
    """Result of a request: the hospital's reply message, or None and the reason in `outcome`."""

    hospital: str
    message: Message | None
    outcome: HospitalOutcome


@dataclass
class _PendingRequest:
    """A request to one hospital that has no result yet.

    retry_reason: why it would be sent again. told: why the hospital waits, as it said last. message_ids:
    ids of its messages without a reply. disconnected: the node was not connected at the last poll. sent,
    bytes_down: messages so far, and what they held. Times are those of time.monotonic.
    """

    hospital: str
    node_id: int
    backoff_s: float
    retry_reason: str | None = None
    told: str | None = None
    message_ids: list[str] = field(default_factory=list)
    failures: int = 0
    sent_at: float = -math.inf
    retry_at: float = math.inf
    disconnected: bool = False
    sent: int = 0
    bytes_down: int = 0

    def with_cost(self, result: RequestResult) -> RequestResult:
        """The result, and what asking took."""
        cost = {"requests": self.sent, "bytes_down": self.bytes_down}
        return replace(result, outcome=result.outcome.model_copy(update=cost))


def send_requests(
    grid: Grid,
    content_for: Callable[[str], RecordDict],
    message_type: str,
    nodes: Mapping[str, int],
    policy: RoundPolicy,
    *,
    group: str,
    on_event: events.Listener = events.ignore,
    check_stop: Callable[[], None] = lambda: None,
) -> Iterator[RequestResult]:
    """Send `content_for(name)` to each of the hospitals `nodes` (name -> node id); yield one result each.

    Replies are pulled and yielded one at a time, so that only one is in memory. When the deadline passes, the
    remaining hospitals are yielded as late, with the code of why where they said so. If a request was sent
    several times, the first good reply counts.
    `group` is the group id of the messages. `on_event` receives a RequestSent for each message, and a
    RequestPostponed for each answer after which the hospital is asked again. `check_stop` is called at every
    poll; what it raises ends the requests.
    """
    return _Dispatch(grid, content_for, message_type, policy, group, on_event, check_stop).results(nodes)


class _Dispatch:
    def __init__(
        self,
        grid: Grid,
        content_for: Callable[[str], RecordDict],
        message_type: str,
        policy: RoundPolicy,
        group: str,
        on_event: events.Listener,
        check_stop: Callable[[], None],
    ) -> None:
        self.grid, self.content_for, self.message_type = grid, content_for, message_type
        self.policy, self.group, self.on_event, self.start = policy, group, on_event, time.monotonic()
        self.pauses = Pauses(policy.poll_s, max(policy.poll_s, LONGEST_POLL_S))
        self.looked_at = -math.inf
        self.check_stop = check_stop

    def results(self, nodes: Mapping[str, int]) -> Iterator[RequestResult]:
        """One result for each of `nodes`, as described for `send_requests`."""
        pending = [_PendingRequest(name, nodes[name], self.policy.retry_after_s) for name in sorted(nodes)]
        for request in pending:
            self._send(request)
        while pending and self._elapsed_s() < self.policy.deadline_s:
            self.check_stop()
            arrived = False
            for request in list(pending):
                result = self._poll(request)
                if result is not None:
                    arrived = True
                    pending.remove(request)
                    yield request.with_cost(result)
                    del result  # it may hold 13 MB, and the next one is read while this one waits
                elif time.monotonic() >= request.retry_at:
                    self._send(request)
            if arrived:
                self.pauses.restart()
            elif pending:
                time.sleep(self.pauses.next_s())
                self._shorten_backoff_after_reconnect(pending)
        for request in pending:
            late = HospitalOutcome(
                status="late", reason=request.told or "deadline", seconds=self._elapsed_s()
            )
            yield request.with_cost(RequestResult(request.hospital, None, late))

    def _shorten_backoff_after_reconnect(self, pending: list[_PendingRequest]) -> None:
        """A hospital that reconnected waits at most for the first pause, however long its present one is."""
        interval_s = min(LOOK_S, self.policy.retry_after_s / 10)
        if math.isinf(self.policy.retry_after_s) or time.monotonic() < self.looked_at + interval_s:
            return
        self.looked_at = time.monotonic()
        connected = {node.node_id for node in self.grid.get_nodes()}
        for request in pending:
            if request.disconnected and request.node_id in connected:
                request.retry_at = min(request.retry_at, request.sent_at + self.policy.retry_after_s)
            request.disconnected = request.node_id not in connected

    def _poll(self, request: _PendingRequest) -> RequestResult | None:
        """The request's result; None while a reply or a retry is pending."""
        for message_id in list(request.message_ids):
            for reply in self._pull(message_id):
                request.message_ids.remove(message_id)
                result = _result(request, reply, self._elapsed_s())
                if not _is_transient(result.outcome):
                    return result
                if not self._postpone(request, result.outcome):
                    return result
        if request.failures > self.policy.retries:
            unsent = HospitalOutcome(status="absent", reason="not-sent", seconds=self._elapsed_s())
            return RequestResult(request.hospital, None, unsent)
        return None

    def _postpone(self, request: _PendingRequest, outcome: HospitalOutcome) -> bool:
        """After an answer that does not stand: whether the hospital is asked again."""
        reason = request.retry_reason = outcome.reason or outcome.status
        request.told = reason if reason in WAITED_CODES else None
        if request.message_ids:
            pass  # an earlier message is still processed
        elif reason in WAITED_CODES and self.policy.repeats:
            request.backoff_s = self.policy.retry_after_s
            request.retry_at = min(request.retry_at, time.monotonic() + request.backoff_s)
        else:
            request.failures += 1
        again = request.failures <= self.policy.retries
        if again:
            self.on_event(events.RequestPostponed(request.hospital, reason))
        return again

    def _pull(self, message_id: str) -> Sequence[Message | None]:
        """The reply to a message, if there is one; None in its place for one that Flower cannot read.

        Faults of the connection to SuperLink are passed on.
        """
        try:
            return list(self.grid.pull_messages([message_id]))[:1]
        except _UNREADABLE:
            return [None]

    def _send(self, request: _PendingRequest) -> None:
        """Send the request, for the first time or again. Flower returns an empty id if it could not send."""
        self.on_event(events.RequestSent(request.hospital, request.retry_reason))
        ttl = min(self.policy.deadline_s - self._elapsed_s(), DEFAULT_TTL)
        content = self.content_for(request.hospital)
        message = Message(content, request.node_id, self.message_type, ttl=max(1.0, ttl), group_id=self.group)
        sent = [message_id for message_id in self.grid.push_messages([message]) if message_id]
        request.message_ids += sent
        request.sent += len(sent)
        request.bytes_down += len(sent) * content_bytes(content)
        request.failures += not sent
        request.retry_reason = "silent" if sent else "not-sent"
        request.sent_at = time.monotonic()
        self.pauses.restart()
        request.retry_at = request.sent_at + request.backoff_s
        request.backoff_s = min(2 * request.backoff_s, max(MAX_BACKOFF_S, self.policy.retry_after_s))

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.start


def _is_transient(outcome: HospitalOutcome) -> bool:
    passes = (*TRANSIENT_CODES, *WAITED_CODES)
    return outcome.status == "absent" or (outcome.status == "failed" and outcome.reason in passes)


def _result(request: _PendingRequest, reply: Message | None, seconds: float) -> RequestResult:
    hospital = request.hospital
    if reply is None or not (reply.has_error() or reply.has_content()):
        unreadable = HospitalOutcome(status="refused", reason="reply-unreadable", seconds=seconds)
        return RequestResult(hospital, None, unreadable)
    if not reply.has_error():
        if reply.metadata.src_node_id != request.node_id:
            other = HospitalOutcome(status="refused", reason="reply-mismatch", seconds=seconds)
            return RequestResult(hospital, None, other)
        return RequestResult(hospital, reply, HospitalOutcome(status="returned", seconds=seconds))
    flower_code, reason = reply.error.code, reply.error.reason
    # Only a code may be shown: Flower's own reasons can contain an exception's text.
    code = reason if reason is not None and is_code(reason) else f"flower-error-{flower_code}"
    status, code = _FLOWER_ERRORS.get(flower_code, ("failed", code))
    return RequestResult(hospital, None, HospitalOutcome(status=status, reason=code, seconds=seconds))
