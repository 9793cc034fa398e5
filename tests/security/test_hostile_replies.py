"""A hospital that answers with anything at all: the study goes on without it, and its name is recorded."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.study_result import FinishedStudy
from shared_model.errors import PneumofedError
from shared_model.weights import fingerprint
from tests.support.fake_sites import BOTH, SHAPES, study_of
from tests.support.local_rounds import grid_of, run, sites_of
from tests.support.tampering import Tamper, Tampering, in_training, with_arrays

STUDY = study_of(BOTH.model_copy(update={"rounds": 2}))
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attacked(tamper: Tamper, hospital: str = "east") -> FinishedStudy:
    """The study in which one hospital's replies are changed by `tamper`."""
    with tempfile.TemporaryDirectory() as folder:
        grid = grid_of(sites_of(STUDY), Tampering, hospital=hospital, tamper=tamper)
        return run(Path(folder), grid, STUDY)


def without(hospital: str) -> str:
    """The fingerprint of the weights if the hospital had not been there."""
    sites = {name: site for name, site in sites_of(STUDY).items() if name != hospital}
    with tempfile.TemporaryDirectory() as folder:
        return fingerprint(run(Path(folder), grid_of(sites), STUDY).weights)


ALONE = without("east")


def with_text(kind: str, record: str, text: Any) -> Tamper:
    def tamper(message: Message, reply: Message) -> Message:
        if message.metadata.message_type == kind:
            reply.content["reply"] = ConfigRecord({record: text})
        return reply

    return tamper


HOSTILE = [
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"a":' * 900 + "1" + "}" * 900,
    '{"patients": 1' + "0" * 30 + "}",
    '{"a": ' + "9" * 5000 + "}",
    "NaN",
    '{"role": "training", "role": "held-out"}',
    '"\\ud800"',
    "",
]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
texts = st.sampled_from(HOSTILE) | st.text() | documents.map(json.dumps)


@FEW
@given(texts)
def test_any_text_as_description_leaves_the_hospital_out(described: str) -> None:
    result = attacked(with_text("query", "description", described))
    assert result.left_out["east"].status == "refused" and result.left_out["east"].reason
    assert {h.name for h in result.hospitals} == {"north", "south", "far"}
    assert fingerprint(result.weights) == ALONE


@FEW
@given(texts)
def test_any_text_as_evaluation_costs_the_evaluation(evaluation: str) -> None:
    result = attacked(with_text("evaluate", "evaluation", evaluation), "far")
    assert result.final_replies["far"].status == "refused" and result.final_replies["far"].reason
    assert set(result.evaluations) == {"east", "north", "south"}


def test_hostile_scores_name_their_hospital_again_on_every_run(tmp_path: Path) -> None:
    """10^30 or deeply nested JSON in a validation ended the run, naming nobody, and so did every rerun."""
    for text in HOSTILE:
        tamper = with_text("evaluate", "evaluation", text)
        for _ in range(2):
            grid = grid_of(sites_of(STUDY), Tampering, hospital="east", tamper=tamper)
            result = run(tmp_path / str(HOSTILE.index(text)), grid, STUDY)
            assert result.final_replies["east"].status in ("refused", "quarantined")
            assert result.rounds[0].validate_replies["east"].status == "refused"


numbers = (
    st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([2**62, 2**63 - 1, 10**30, -1, float("nan"), float("inf")])
)
figures = st.dictionaries(st.sampled_from([*("diseased", "covid"), "", "x" * 1000]), numbers, max_size=4)
names = st.sampled_from([*SHAPES, "diseased/other", "x", "covid/"])
arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.float16]),
    hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
)
updates = st.dictionaries(names, arrays, max_size=5)


def is_honest(scans: dict[str, Any], loss: dict[str, Any]) -> bool:
    """Whether these figures could be those of the hospital, which has 11 scans and sends all arrays."""
    return all(
        isinstance(scans.get(n), int) and 0 < scans[n] <= 11 and abs(loss.get(n, 1e9)) <= 1e6
        for n in ("diseased", "covid")
    )


@FEW
@given(figures, figures)
def test_any_numbers_beside_an_update_cost_the_round(scans: dict[str, Any], loss: dict[str, Any]) -> None:
    def tamper(message: Message, reply: Message) -> Message:
        reply.content["scans"], reply.content["loss"] = MetricRecord(scans), MetricRecord(loss)
        return reply

    result = attacked(in_training(tamper))
    statuses = [record.train["east"].status for record in result.rounds]
    if not is_honest(scans, loss):
        assert statuses == ["refused", "refused"] and fingerprint(result.weights) == ALONE


@FEW
@given(updates)
def test_any_arrays_as_update_cost_the_round(update: dict[str, Any]) -> None:
    result = attacked(in_training(lambda message, reply: with_arrays(reply, update)))
    assert [record.train["east"].status for record in result.rounds] == ["refused", "refused"]
    assert fingerprint(result.weights) == ALONE


records = st.dictionaries(
    st.sampled_from(["weights", "scans", "loss", "reply", "envelope", "other"]),
    st.builds(MetricRecord, figures)
    | st.builds(ConfigRecord, st.dictionaries(st.text(), st.text() | st.binary() | st.lists(st.integers())))
    | st.builds(
        lambda data: ArrayRecord({"weights": Array("uint8", (len(data),), "safetensors", data)}), st.binary()
    ),
    max_size=5,
)


@FEW
@given(records)
def test_any_records_as_any_reply_never_end_the_study(content: dict[str, Any]) -> None:
    result = attacked(lambda message, reply: Message(RecordDict(content), reply_to=message))
    assert result.left_out["east"].status == "refused" and fingerprint(result.weights) == ALONE


def replayed(kept: dict[str, RecordDict]) -> Tamper:
    """The first answer to each kind of question, given to all that follow."""

    def tamper(message: Message, reply: Message) -> Message:
        content = kept.setdefault(message.metadata.message_type, reply.content)
        return Message(content, reply_to=message)

    return tamper


def test_an_answer_to_an_earlier_question_is_refused() -> None:
    result = attacked(replayed({}))
    assert [record.train["east"].reason for record in result.rounds] == [None, "reply-mismatch"]
    assert result.rounds[1].validate_replies["east"].reason == "reply-mismatch"
    assert result.final_replies["east"].reason == "reply-mismatch"


def histogram(bins: dict[str, int], patients: int = 1) -> dict[str, Any]:
    return {"patients": patients, "bins": bins}


@pytest.mark.parametrize("count", [12 * 64 + 1, 10**9, 2**31, 2**62])
def test_more_scores_than_were_described_are_refused(count: int) -> None:
    """Counts of 10^9 chose the round, and 2^62 of two hospitals became negative."""

    def tamper(message: Message, reply: Message) -> Message:
        if message.metadata.message_type == "evaluate":
            boast = {"covid": histogram({"1023": count}), "healthy": histogram({"0": count})}
            scores = {"histograms": {"diseased": boast, "covid": {}}, "calls": {}}
            reply.content["reply"] = ConfigRecord({"evaluation": json.dumps(scores)})
        return reply

    result = attacked(tamper)
    assert all(record.validate_replies["east"].status != "returned" for record in result.rounds)
    assert result.rounds[0].validate_replies["east"].reason in ("scores-implausible", "reply-unreadable")
    assert "east" not in result.evaluations


def test_a_description_of_more_scans_than_any_hospital_has_is_refused() -> None:
    def boast(message: Message, reply: Message) -> Message:
        if message.metadata.message_type == "query":
            described = json.loads(str(reply.content["reply"]["description"]))
            described["counts"]["train"]["covid"] = 2**20
            reply.content["reply"] = ConfigRecord({"description": json.dumps(described)})
        return reply

    assert attacked(boast).left_out["east"].reason == "reply-unreadable"


def test_a_reply_that_flower_cannot_read_costs_its_hospital_alone(tmp_path: Path) -> None:
    """Flower builds a reply's records while it is pulled."""

    class Unreadable(Tampering):
        def pull_messages(self, message_ids: Any) -> Any:
            found = list(super().pull_messages(message_ids))
            if any(reply.metadata.src_node_id == self.victim for reply in found):
                raise KeyError("an object of the reply")
            return found

        victim = 1001  # "east", the first by name

    grid = grid_of(sites_of(STUDY), Unreadable, hospital="east", tamper=lambda message, reply: reply)
    result = run(tmp_path, grid, STUDY)
    assert result.left_out["east"].reason == "reply-unreadable"
    assert fingerprint(result.weights) == ALONE


def test_a_lost_connection_is_nobody_s_reply(tmp_path: Path) -> None:
    class Down(Tampering):
        def pull_messages(self, message_ids: Any) -> Any:
            raise ConnectionError

    grid = grid_of(sites_of(STUDY), Down, hospital="east", tamper=lambda message, reply: reply)
    with pytest.raises(ConnectionError):
        run(tmp_path, grid, STUDY)


def test_a_hospital_cannot_answer_for_another(tmp_path: Path) -> None:
    def forged(message: Message, reply: Message) -> Message:
        reply.metadata.__dict__["_src_node_id"] = 1002
        return reply

    result = attacked(forged)
    assert result.left_out["east"].reason == "reply-mismatch"


def test_after_two_refused_updates_a_hospital_is_not_asked_until_it_is_acknowledged(tmp_path: Path) -> None:
    study = study_of(BOTH.model_copy(update={"rounds": 4}))
    sites = sites_of(study)
    broken = in_training(lambda message, reply: with_arrays(reply, {"x": np.zeros(1, np.float32)}))
    grid = grid_of(sites, Tampering, hospital="east", tamper=broken)
    result = run(tmp_path, grid, study)
    statuses = [record.train["east"].status for record in result.rounds]
    assert statuses == ["refused", "refused", "quarantined", "quarantined"]
    assert sum(asked[0] == "train" for asked in sites["east"].asked) == 2
    assert result.notices == {"east": ("quarantined",)}
    again = run(tmp_path, grid_of(sites_of(study)), study)  # from the ledger
    assert again.final_replies["east"].status == "quarantined"


def test_nobody_left_is_told_by_name(tmp_path: Path) -> None:
    study = study_of(BOTH)
    sites = {name: site for name, site in sites_of(study).items() if name == "east"}
    broken = in_training(lambda message, reply: with_arrays(reply, {"x": np.zeros(1, np.float32)}))
    for reason in ("update-arrays", "update-arrays", "update-arrays"):
        grid = grid_of(sites, Tampering, hospital="east", tamper=broken)
        with pytest.raises(PneumofedError) as error:
            run(tmp_path, grid, study)
        assert error.value.code == "quorum-missed" and f"east: {reason}" in str(error.value)
