"""Refused replies by hospital, counted by hand."""

from server.report.refusals import refusals
from server.study_result import HospitalOutcome
from tests.support import example_result


def test_refused_replies_are_counted_by_code_and_notices_stand_beside() -> None:
    whole = example_result.result()
    assert refusals(whole) == {"cedar": {"replies": {}, "notices": ["log-went-back"]}}
    bad = HospitalOutcome(status="refused", reason="update-not-finite")
    other = HospitalOutcome(status="refused", reason="reply-mismatch")
    rounds = list(whole.rounds)
    rounds[0] = rounds[0].model_copy(update={"train": {**rounds[0].train, "amber": bad}})
    rounds[1] = rounds[1].model_copy(
        update={"train": {**rounds[1].train, "amber": bad}, "validate_replies": {"amber": other}}
    )
    found = refusals(
        whole.model_copy(
            update={"rounds": tuple(rounds), "final_replies": {**whole.final_replies, "elm": other}}
        )
    )
    assert found == {
        "amber": {"replies": {"reply-mismatch": 1, "update-not-finite": 2}, "notices": []},
        "cedar": {"replies": {}, "notices": ["log-went-back"]},
        "elm": {"replies": {"reply-mismatch": 1}, "notices": []},
    }
