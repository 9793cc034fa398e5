"""Rounds and traffic, counted by hand."""

from server.report.round_log import round_json, traffic
from server.study_result import HospitalOutcome
from tests.support import example_result


def test_traffic_adds_training_validation_and_measurement() -> None:
    result = example_result.result()
    rounds = len(result.rounds)
    assert traffic(result, "elm") == {"requests": 1, "again": 0, "bytes_down": 6_100_000, "bytes_up": 4_000}
    assert traffic(result, "amber") == {
        "requests": rounds + 2, "again": 1,
        "bytes_down": (rounds + 2) * 6_100_000, "bytes_up": rounds * 6_000_000 + 4_000,
    }  # fmt: skip
    # Its request of round 3 was sent three times and never answered.
    assert traffic(result, "cedar") == {
        "requests": rounds + 3, "again": 2,
        "bytes_down": (rounds + 3) * 6_100_000, "bytes_up": (rounds - 1) * 6_000_000 + 4_000,
    }  # fmt: skip
    validated = HospitalOutcome(status="returned", requests=1, bytes_down=10, bytes_up=1)
    first = result.rounds[0].model_copy(update={"validate_replies": {"elm": validated}})
    told = traffic(result.model_copy(update={"rounds": (first, *result.rounds[1:])}), "elm")
    assert (told["requests"], told["bytes_down"], told["bytes_up"]) == (2, 6_100_010, 4_001)


def test_what_an_earlier_version_did_not_count_is_unknown_and_a_quarantine_is_nothing() -> None:
    result = example_result.result()
    earlier = {**result.final_replies, "elm": HospitalOutcome(status="returned", seconds=3.0)}
    unknown = result.model_copy(update={"final_replies": earlier})
    assert set(traffic(unknown, "elm").values()) == {None}
    shut = {"elm": HospitalOutcome(status="quarantined", reason="update-not-finite")}
    quarantined = result.model_copy(update={"final_replies": shut})
    assert set(traffic(quarantined, "elm").values()) == {0}


def test_a_round_says_when_it_ended_and_how_each_hospital_fared() -> None:
    result = example_result.result()
    third = round_json(result, result.rounds[2])
    assert third["ended"] == "2025-10-09T08:54:50+00:00"  # 90 s after 1 760 000 000
    assert third["hospitals"] == {"asked": 4, "returned": 3}
    late = {"status": "late", "reason": "deadline", "seconds": 600.0, "requests": 3, "loss": {}}
    assert third["train"]["cedar"] == late
    amber = third["train"]["amber"]
    assert amber["status"] == "returned" and amber["loss"] == dict(result.rounds[2].train["amber"].loss)
    unknown = result.rounds[2].model_copy(update={"ended": None})
    assert round_json(result, unknown)["ended"] is None
