"""Hospitals that are absent, silent or busy for a while, on a grid that follows a script."""

from collections.abc import Container, Iterable
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MessageType, RecordDict
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo

from deploy.simulation.local_grid import LocalGrid
from server import events, messages
from server.dispatch import RoundPolicy, send_requests
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of
from tests.support.local_rounds import app_of

STUDY = study_of(BOTH)
REQUEST = messages.describe_request(Proposal.of(STUDY, weights_of(0)))
ABSENT = (ErrorCode.NODE_UNAVAILABLE, "The node is gone: /data/x")
UPLOAD_BROKE_OFF = (ErrorCode.MESSAGE_UNAVAILABLE, "Reply message objects are unavailable.")
APP_KILLED = (ErrorCode.CLIENT_APP_CRASHED, "The app ended with -9")
FAILED = ErrorCode.CLIENT_APP_RAISED_EXCEPTION
PAUSED = (FAILED, "paused")


class ScriptedGrid(LocalGrid):
    """What becomes of each question in turn: "good", "lost", "unsent", or an error (code, reason).

    "after N": no answer until N questions were asked in all.
    """

    def __init__(self, script: Iterable[object]) -> None:
        super().__init__(app_of({"a": FakeSite("a", STUDY)}), ["a"])
        self.script, self.asked = list(script), 0
        self.fates: dict[str, Any] = {}

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        ids = []
        for message in messages:
            fate = self.script[min(self.asked, len(self.script) - 1)]
            self.asked += 1
            (number,) = super().push_messages([message])
            self.fates[number] = fate
            ids.append("" if fate == "unsent" else number)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        replies: list[Message] = []
        for number in message_ids:
            fate = self.fates[number]
            if isinstance(fate, tuple):
                question = self._waiting.pop(number)
                replies.append(Message(Error(*fate), reply_to=question))
            elif fate == "good" or (str(fate).startswith("after") and self.asked >= int(fate.split()[1])):
                replies += super().pull_messages([number])
        return replies


def outcome_of(
    script: Iterable[object], on_event: events.Listener = events.ignore, **policy: float
) -> tuple[str, str | None, int]:
    """Status and reason, and how often the hospital was asked."""
    grid = ScriptedGrid(script)
    quick: dict[str, Any] = {"poll_s": 0.002, "retry_after_s": 0.01, "retries": 2, "deadline_s": 20.0}
    (result,) = send_requests(
        grid,
        lambda hospital: REQUEST,
        MessageType.QUERY,
        {"a": 1001},
        RoundPolicy(**quick | policy),
        group="g",
        on_event=on_event,
    )
    assert (result.message is not None) == (result.outcome.status == "returned")
    return result.outcome.status, result.outcome.reason, grid.asked


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (["good"], ("returned", None, 1)),
        ([ABSENT, ABSENT, "good"], ("returned", None, 3)),
        ([(FAILED, "trainer-unreachable"), "good"], ("returned", None, 2)),
        ([(FAILED, "disk-full"), "good"], ("returned", None, 2)),
        (["unsent", "good"], ("returned", None, 2)),
        (["lost", "good"], ("returned", None, 2)),
        ([UPLOAD_BROKE_OFF, "good"], ("returned", None, 2)),
        ([APP_KILLED, "good"], ("returned", None, 2)),
        ([UPLOAD_BROKE_OFF], ("failed", "reply-lost", 3)),
        ([ABSENT, ABSENT, ABSENT, "good"], ("absent", "not-connected", 3)),
        ([(FAILED, "worker-died")], ("failed", "worker-died", 3)),
        (["unsent"], ("absent", "not-sent", 3)),
        ([*[PAUSED] * 7, "good"], ("returned", None, 8)),
        ([*[(FAILED, "trainer-busy")] * 7, "good"], ("returned", None, 8)),
        ([ABSENT, PAUSED, ABSENT, PAUSED, ABSENT, "good"], ("absent", "not-connected", 5)),
    ],
    ids=[
        "at once",
        "back",
        "trainer back",
        "room again",
        "sent later",
        "lost",
        "upload",
        "app killed",
        "never arrives",
        "away",
        "always dies",
        "never sent",
        "paused for long",
        "busy for long",
        "paused and away",
    ],
)
def test_a_transient_failure_is_retried_up_to_the_limit(script: list[object], expected: object) -> None:
    assert outcome_of(script) == expected


def test_one_that_says_it_is_busy_with_the_first_question_is_waited_for() -> None:
    busy = (FAILED, "trainer-busy")
    assert outcome_of(["after 5", busy]) == ("returned", None, 5)


def test_a_permanent_failure_is_not_retried() -> None:
    assert outcome_of([(FAILED, "diverged"), "good"]) == ("failed", "diverged", 1)


@pytest.mark.parametrize(
    ("script", "requests"), [(["good"], 1), (["lost", ABSENT, "good"], 3), (["unsent", "good"], 1)]
)
def test_an_outcome_says_how_often_it_was_asked_and_what_was_sent(
    script: list[object], requests: int
) -> None:
    weights = np.zeros(1000, np.uint8)
    packed = ArrayRecord({"w": Array(weights)})
    content = RecordDict({"weights": packed, "task": ConfigRecord({"proposal": "x" * 50, "round": 3})})
    quick = RoundPolicy(poll_s=0.002, retry_after_s=0.01, retries=2, deadline_s=20.0)
    grid = ScriptedGrid(script)
    (result,) = send_requests(grid, lambda _: content, MessageType.QUERY, {"a": 1001}, quick, group="g")
    assert result.outcome.requests == requests
    assert result.outcome.bytes_down == requests * (len(packed["w"].data) + 50)


def test_events_name_each_request_and_why_it_is_sent_again() -> None:
    told: list[events.Event] = []
    outcome_of(["lost", ABSENT, "unsent", "good"], on_event=told.append, retries=3)
    reasons = [None, "silent", "not-connected", "not-sent"]
    assert [e for e in told if isinstance(e, events.RequestSent)] == [
        events.RequestSent("a", reason) for reason in reasons
    ]


def test_an_event_says_at_once_why_a_hospital_is_asked_again_and_none_that_it_is_given_up() -> None:
    told: list[events.Event] = []
    outcome_of([PAUSED, PAUSED, ABSENT], on_event=told.append)
    postponed = [e.reason for e in told if isinstance(e, events.RequestPostponed)]
    assert postponed == ["paused", "paused", "not-connected", "not-connected"]


def test_a_hospital_that_is_paused_at_the_deadline_is_late_as_paused() -> None:
    status, reason, asked = outcome_of([PAUSED], deadline_s=1.0)
    assert (status, reason) == ("late", "paused") and asked > 3


def test_what_it_said_last_stands_if_the_deadline_comes_before_its_next_answer() -> None:
    assert outcome_of([PAUSED, "lost"], deadline_s=0.2)[:2] == ("late", "paused")
    assert outcome_of([PAUSED, ABSENT, "lost"], deadline_s=0.2)[:2] == ("late", "deadline")


def test_a_wish_to_stop_ends_the_requests() -> None:
    def check() -> None:
        if grid.asked > 2:
            raise PneumofedError("study-stopped", "now")

    grid = ScriptedGrid([PAUSED])
    policy = RoundPolicy(poll_s=0.001, retry_after_s=0.01, deadline_s=20.0)
    with pytest.raises(PneumofedError, match="now"):
        list(
            send_requests(
                grid, lambda _: REQUEST, MessageType.QUERY, {"a": 1001}, policy, group="g", check_stop=check
            )
        )


def test_the_deadline_ends_all_retries() -> None:
    status, reason, asked = outcome_of(["lost"], deadline_s=0.1)
    assert (status, reason) == ("late", "deadline") and asked >= 2


def test_without_retries_each_request_is_sent_once() -> None:
    once = RoundPolicy()
    assert (once.retries, once.retry_after_s) == (0, float("inf"))
    assert outcome_of([PAUSED, "good"], retries=0, retry_after_s=float("inf")) == ("failed", "paused", 1)
    assert outcome_of([ABSENT, "good"], retries=0, retry_after_s=float("inf"))[::2] == ("absent", 1)


class NotingGrid(ScriptedGrid):
    """Nothing is answered; notes when it was asked. `away`: when the node is not connected."""

    def __init__(self, now: list[float], away: Container[float]) -> None:
        super().__init__(["lost"])
        self.now, self.away = now, away
        self.sends: list[float] = []

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        self.sends.append(self.now[0])
        return super().push_messages(messages)

    def get_nodes(self) -> Iterable[NodeInfo]:
        return [] if self.now[0] in self.away else super().get_nodes()


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        ([], [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]),
        ([3.5, 3.75], [0.0, 1.0, 3.0, 4.0, 12.0, 28.0]),
        ([8.0, 9.0, 9.25], [0.0, 1.0, 3.0, 7.0, 8.25, 9.5]),
    ],
    ids=["doubles", "not at once", "back twice"],
)
def test_the_backoff_doubles_but_is_cut_short_after_a_reconnect(
    monkeypatch: pytest.MonkeyPatch, away: list[float], expected: object
) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += 0.25

    monkeypatch.setattr("server.dispatch.time.monotonic", lambda: now[0])
    monkeypatch.setattr("server.dispatch.time.sleep", sleep)
    grid = NotingGrid(now, away)
    policy = RoundPolicy(poll_s=1, retry_after_s=1.0, retries=9, deadline_s=32)
    list(send_requests(grid, lambda hospital: REQUEST, MessageType.QUERY, {"a": 1001}, policy, group="g"))
    assert grid.sends == expected
