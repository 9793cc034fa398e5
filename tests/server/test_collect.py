"""Whatever one hospital's reply raises, the others are collected, and it is named."""

from pathlib import Path

import pytest
from flwr.app import ConfigRecord, Message, MessageType

from server import events, messages
from server.collect import Collector, Question
from server.standing import Standings
from shared_model.envelope import LogHead, question_of
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from tests.support.local_rounds import INITIAL, POLICY, STUDY, grid_of, sites_of
from tests.support.tampering import Tampering

PROPOSAL = Proposal.of(STUDY, INITIAL)
DESCRIBE = Question(
    "describe",
    MessageType.QUERY,
    "describe",
    messages.describe_request(PROPOSAL),
    question_of(PROPOSAL.fingerprint),
)


class Panic(BaseException):
    """What Rust code under Python raises is no Exception."""


@pytest.mark.parametrize("fault", [RecursionError, MemoryError, OverflowError, Panic, ZeroDivisionError])
def test_any_fault_in_using_a_reply_costs_its_hospital_alone(
    tmp_path: Path, fault: type[BaseException]
) -> None:
    told: list[events.Event] = []
    collector = Collector(grid_of(sites_of()), POLICY, Standings(tmp_path), told.append)
    used = []

    def use(hospital: str, reply: Message) -> dict[str, object]:
        if hospital == "north":
            raise fault("/data/Doe^Jane")
        used.append(hospital)
        return {"scans": {"covid": 3}}

    nodes = {name: node for node, name in grid_of(sites_of()).nodes.items()}
    outcomes = collector.collect(DESCRIBE, nodes, use)
    assert used == ["east", "far", "south"] and list(outcomes) == ["east", "far", "north", "south"]
    assert (outcomes["north"].status, outcomes["north"].reason) == ("refused", "reply-unusable")
    assert outcomes["east"].status == "returned" and outcomes["east"].scans == {"covid": 3}
    for name in ("north", "east"):  # a refused reply came over the line too
        outcome = outcomes[name]
        assert outcome.requests == 1 and outcome.bytes_up is not None and outcome.bytes_up > 100
        assert outcome.bytes_down == len(PROPOSAL.to_text())
    finished = [e for e in told if isinstance(e, events.RequestFinished)]
    assert {e.hospital: e.outcome for e in finished} == outcomes


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_the_hospital_s(tmp_path: Path, ending: type[BaseException]) -> None:
    def use(hospital: str, reply: Message) -> dict[str, object]:
        raise ending

    with pytest.raises(ending):
        Collector(grid_of(sites_of()), POLICY, Standings(tmp_path)).collect(DESCRIBE, {"east": 1001}, use)


def test_the_head_that_was_told_is_sent_with_the_next_question(tmp_path: Path) -> None:
    """Heads survive the run; a head that goes back is told to people once, and the reply is used."""
    heads = [7, 9, 8, 8]
    asked: list[object] = []
    told: list[events.Event] = []

    def tamper(message: Message, reply: Message) -> Message:
        settings = message.content["task"]
        asked.append((settings.get("head-number"), settings.get("head-hash")))
        envelope = reply.content["envelope"]
        assert isinstance(envelope, ConfigRecord)
        envelope["head-number"], envelope["head-hash"] = heads.pop(0), "a" * 64
        return reply

    def use(hospital: str, reply: Message) -> dict[str, object]:
        return {}

    for _ in range(4):
        grid = grid_of({"east": sites_of()["east"]}, Tampering, hospital="east", tamper=tamper)
        collector = Collector(grid, POLICY, Standings(tmp_path), told.append)
        assert collector.collect(DESCRIBE, {"east": 1001}, use)["east"].status == "returned"
    assert asked == [(None, None), (7, "a" * 64), (9, "a" * 64), (9, "a" * 64)]
    assert [e for e in told if isinstance(e, events.HospitalNoticed)] == [
        events.HospitalNoticed("east", ("log-went-back",))
    ]
    assert Standings(tmp_path).of("east").head == LogHead(9, "a" * 64)


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        {},
        {"question": "0" * 64, "head-number": 3},
        {"question": "0" * 64, "head-hash": "a" * 64},
        {"question": "0" * 64, "head-number": 2**60, "head-hash": "a" * 64},
        {"question": [1], "head-number": 1.0, "head-hash": b"x"},
    ],
)
def test_a_reply_without_a_proper_envelope_is_refused(tmp_path: Path, envelope: object) -> None:
    def tamper(message: Message, reply: Message) -> Message:
        del reply.content["envelope"]
        if isinstance(envelope, dict):
            reply.content["envelope"] = ConfigRecord(envelope)
        return reply

    def use(hospital: str, reply: Message) -> dict[str, object]:
        raise PneumofedError("used", "")

    grid = grid_of({"east": sites_of()["east"]}, Tampering, hospital="east", tamper=tamper)
    outcome = Collector(grid, POLICY, Standings(tmp_path)).collect(DESCRIBE, {"east": 1001}, use)["east"]
    assert (outcome.status, outcome.reason) == ("refused", "reply-unreadable")


def test_a_quarantined_hospital_is_asked_for_its_description_only(tmp_path: Path) -> None:
    sites = sites_of()
    told: list[events.Event] = []
    standings = Standings(tmp_path)
    quarantined = standings.of("east").model_copy(update={"quarantined": "update-not-finite"})
    standings.put("east", quarantined)
    grid = grid_of(sites)
    nodes = {name: node for node, name in grid.nodes.items()}
    train = Question("train", MessageType.TRAIN, "0.1", DESCRIBE.content, "0" * 64)
    collector = Collector(grid, POLICY, standings, told.append)
    outcome = collector.collect(train, nodes, lambda *_: {})["east"]
    assert (outcome.status, outcome.reason) == ("quarantined", "update-not-finite")
    assert not sites["east"].asked and events.RequestFinished("train", "east", outcome) in told
    assert collector.collect(DESCRIBE, nodes, lambda *_: {})["east"].status == "returned"
