"""The round loop on the local engine, with hospitals that have no data."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict

from deploy.simulation.local_grid import LocalGrid
from server import events
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.model_selection import Score
from server.report.report_files import write_report
from server.strategies.closed_form import fit_scan_decision
from shared_model.constants import LABELS, TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.label_sums import LabelSums
from shared_model.metrics.operating_point import best_operating_point
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import SiteDescription, Split, TrainResult, is_trained
from shared_model.strategy import FedAdamConfig
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights, fingerprint, from_bytes
from tests.support.fake_sites import BOTH, FakeSite, study_of
from tests.support.local_rounds import FINE, INITIAL, POLICY, grid_of, run, sites_of
from tests.support.tampering import Tamper, Tampering, in_training, sent_by, with_arrays


def by_hand(sites: Mapping[str, FakeSite], stage: int, rounds: int, weights: Weights) -> list[Weights]:
    """The same rounds as a plain loop over numpy."""
    states = []
    for round in range(1, rounds + 1):
        outcomes = [
            s.train(weights, stage=stage, round=round) for s in sites.values() if s.role == "training"
        ]
        weights = {
            name: np.average(
                [o.weights[name].astype(np.float64) for o in outcomes if name in o.weights],
                axis=0,
                weights=[o.scans[name.split("/")[0]] for o in outcomes if name in o.weights],
            ).astype(np.float32)
            if any(name in o.weights for o in outcomes)
            else old
            for name, old in weights.items()
        }
        states.append(weights)
    return states


def test_the_loop_equals_a_loop_by_hand(tmp_path: Path) -> None:
    study = study_of(BOTH, FINE, operating_point="validation", max_share=1.0)
    sites = sites_of(study)
    result = run(tmp_path, study=study)
    lobes = by_hand(sites, 0, 3, INITIAL)
    best = {network: result.best_rounds[f"lobes/{network}"] for network in ("diseased", "covid")}
    start = {name: lobes[best[name.split("/")[0]] - 1][name] for name in INITIAL}
    expected = by_hand(sites, 1, 2, start)[-1]
    assert result.best_rounds["fine/diseased"] == 2
    for name in INITIAL:
        np.testing.assert_allclose(result.weights[name], expected[name], rtol=1e-6, atol=1e-7)


def test_a_decision_in_which_nobody_can_have_a_say_is_refused_before_round_1(tmp_path: Path) -> None:
    study = study_of(BOTH.model_copy(update={"say": "two-class", "part": "decision"}))
    sites = {name: FakeSite(name, study, scans={"diseased": 30, "covid": 20}) for name in "ab"}
    with pytest.raises(PneumofedError) as refused:
        run(tmp_path, grid_of(sites), study)  # 20 of COVID-19, 10 healthy, no other pneumonia
    assert refused.value.code == "nobody-trained" and "covid" in str(refused.value)
    assert not any(asked[0] == "train" for site in sites.values() for asked in site.asked)


def test_a_network_that_nobody_trains_ends_the_study_in_that_round(tmp_path: Path) -> None:
    study = study_of(BOTH)
    sites = {name: FakeSite(name, study, scans={"diseased": 30, "covid": 0}) for name in "ab"}
    with pytest.raises(PneumofedError) as refused:
        run(tmp_path, grid_of(sites), study)
    assert refused.value.code == "nobody-trained"
    assert "round 1" in str(refused.value) and "covid" in str(refused.value)


def test_the_best_round_is_the_best_on_validation_and_of_equals_the_later(tmp_path: Path) -> None:
    result = run(tmp_path)
    lobes = [r for r in result.rounds if r.stage == 0]
    for network in ("diseased", "covid"):
        scores = [(r.accuracy[network], r.within_auc[network]) for r in lobes]
        kept = result.best_rounds[f"lobes/{network}"]
        assert scores[kept - 1] == max(scores)
        assert all(score < scores[kept - 1] for score in scores[kept:])
        assert [r.best[network] for r in lobes][-1] == kept


def test_every_hospital_is_measured_where_it_should_be(tmp_path: Path) -> None:
    sites = sites_of()
    result = run(tmp_path, grid_of(sites))
    assert [h.name for h in result.hospitals] == ["east", "north", "south", "far"]
    assert result.hospitals[1].counts == {"healthy": 34, "covid": 44, "other": 24}
    asked = {name: [a for a in site.asked if a[0] == "evaluate"] for name, site in sites.items()}
    assert {a[1] for a in asked["far"]} == {"all"} and len(asked["far"]) == 1
    assert [a[1:] for a in asked["north"]] == [
        *[("validation", ("diseased", "covid"))] * 3,
        ("validation", ("diseased",)),
        ("test", ("diseased", "covid")),
    ]
    assert not any(a[0] == "train" for a in sites["far"].asked)
    point: dict[Task, float] = result.operating_point.model_dump()  # type: ignore[assignment]
    far = sites["far"].evaluate(
        result.weights, split="all", tasks=("diseased", "covid"), operating_point=point
    )
    assert far.calls.counts.keys() == {"healthy", "covid", "other"}
    assert result.evaluations["far"].to_json() == far.to_json()
    merged = SiteEvaluation.empty()
    for name in ("east", "north", "south"):
        merged = merged.merge(
            sites[name].evaluate(result.weights, split="validation", tasks=("diseased", "covid"))
        )
    assert result.operating_point.diseased == best_operating_point(merged, "diseased")


def test_same_seed_same_bits_and_the_names_order_does_not_matter(tmp_path: Path) -> None:
    sites = sites_of()
    one = run(tmp_path / "a", grid_of(sites))
    two = run(tmp_path / "b", grid_of(dict(reversed(sites.items())), Backwards))
    assert fingerprint(one.weights) == fingerprint(two.weights)
    untimed = {"seconds", "ended", "train", "validate_replies"}
    assert [r.model_dump(exclude=untimed) for r in one.rounds] == [
        r.model_dump(exclude=untimed) for r in two.rounds
    ]


class Backwards(LocalGrid):
    """Replies arrive in the opposite order."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        wanted = list(message_ids)
        return super().pull_messages(wanted) if wanted == list(self._waiting)[-1:] else []


def poisoned(message: Message, reply: Message) -> Message:
    weights = from_bytes(sent_by(reply).data)
    return with_arrays(reply, weights | {"diseased/lobe.weight": np.full((3, 2), np.nan, np.float32)})


def boasting(message: Message, reply: Message) -> Message:
    reply.content["scans"] = MetricRecord({"diseased": 10**12, "covid": 1})
    return reply


def flooding(message: Message, reply: Message) -> Message:
    return with_arrays(reply, {"diseased/lobe.weight": np.zeros((600, 600), np.float32)})


def rubbish(message: Message, reply: Message) -> Message:
    sent_by(reply).data = b"no array at all"
    return reply


def rubbish_inside(message: Message, reply: Message) -> Message:
    reply.content["weights"] = ArrayRecord({"weights": Array(np.frombuffer(b"no file at all", np.uint8))})
    return reply


def plain(message: Message, reply: Message) -> Message:
    reply.content["weights"] = ArrayRecord({"diseased/lobe.weight": Array(np.zeros((3, 2), np.float32))})
    return reply


def empty(message: Message, reply: Message) -> Message:
    return Message(RecordDict({"x": ConfigRecord({})}), reply_to=message)


def loud(message: Message, reply: Message) -> Message:
    return Message(Error(2, "Traceback: /data/patient Doe^Jane"), reply_to=message)


@pytest.mark.parametrize(
    ("tamper", "status", "reason"),
    [
        (poisoned, "refused", "update-not-finite"),
        (boasting, "refused", "scans-implausible"),
        (flooding, "refused", "update-too-long"),
        (rubbish, "refused", "reply-unreadable"),
        (rubbish_inside, "refused", "reply-unreadable"),
        (plain, "refused", "reply-unreadable"),
        (empty, "refused", "reply-unreadable"),
        (loud, "failed", "flower-error-2"),
        (lambda message, reply: Message(Error(5), reply_to=message), "absent", "not-connected"),
        (lambda message, reply: Message(Error(2, "disk-full"), reply_to=message), "failed", "disk-full"),
        (lambda message, reply: None, "late", "deadline"),
    ],
)
def test_a_bad_reply_costs_its_hospital_the_round_and_nobody_else(
    tmp_path: Path, tamper: Tamper, status: str, reason: str
) -> None:
    policy = RoundPolicy(poll_s=0.001, deadline_s=0.2) if status == "late" else POLICY
    study = study_of(BOTH)
    sites = sites_of(study)
    grid = grid_of(sites, Tampering, hospital="east", tamper=in_training(tamper))
    result = run(tmp_path / "with", grid, study, policy)
    outcomes = [r.train["east"] for r in result.rounds]
    third = "quarantined" if status == "refused" else status
    assert [(o.status, o.reason) for o in outcomes] == [(s, reason) for s in (status, status, third)]
    del sites["east"]
    without = [r.weights_sha256 for r in run(tmp_path / "without", grid_of(sites), study).rounds]
    assert [r.weights_sha256 for r in result.rounds] == without


def test_unreadable_scores_are_recorded_and_left_out(tmp_path: Path) -> None:
    def tamper(message: Message, reply: Message) -> Message:
        if message.metadata.message_type == "evaluate":
            scores = {"diseased": {"covid": {"7": -3}}, "covid": {}}
            reply.content.config_records["reply"]["evaluation"] = json.dumps(scores)
        return reply

    result = run(tmp_path, grid_of(sites_of(), Tampering, hospital="far", tamper=tamper))
    assert "far" not in result.evaluations and result.final_replies["far"].reason == "reply-unreadable"
    assert set(result.evaluations) == {"east", "north", "south"}


def test_too_few_updates_end_the_run_and_a_second_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """A study that stops after round 2 and is taken up again ends as if it had never stopped."""

    def down_in_round_3(message: Message, reply: Message) -> Message:
        third = message.metadata.group_id == "0.3"
        return Message(Error(2, "disk-full"), reply_to=message) if third else reply

    grid = grid_of(sites_of(), Tampering, hospital="east", tamper=in_training(down_in_round_3))
    with pytest.raises(PneumofedError) as error:
        run(tmp_path / "a", grid, policy=RoundPolicy(poll_s=0, quorum=3))
    assert error.value.code == "quorum-missed" and "needed: 3 (east: disk-full);" in str(error.value)
    sites = sites_of()
    resumed = run(tmp_path / "a", grid_of(sites))
    assert [a for a in sites["north"].asked if a[0] == "train"] == [
        ("train", 0, 3),
        ("train", 1, 1),
        ("train", 1, 2),
    ]
    whole = run(tmp_path / "b")
    assert fingerprint(resumed.weights) == fingerprint(whole.weights)
    assert resumed.best_rounds == whole.best_rounds
    assert resumed.operating_point == whole.operating_point


def test_a_stage_begins_from_what_the_stage_before_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[str, StudyConfig]] = []

    def begin(weights: Weights, stage: StageConfig, study: StudyConfig) -> Weights:
        begun.append((stage.name, study))
        return {name: array + np.float32(10) for name, array in weights.items()}

    monkeypatch.setattr("server.rounds.stage_start_weights", begin)
    study = study_of(StageConfig(name="only", networks=("covid",), rounds=2))
    sites = sites_of(study)
    seen: list[Weights] = []
    train = sites["north"].train

    def spy(weights: Weights, *, stage: int, round: int) -> TrainResult[Weights]:
        seen.append(weights)
        return train(weights, stage=stage, round=round)

    monkeypatch.setattr(sites["north"], "train", spy)
    run(tmp_path, grid_of(sites), study)
    assert begun == [("only", study)]
    np.testing.assert_array_equal(seen[0]["covid/lobe.weight"], INITIAL["covid/lobe.weight"] + 10)


@pytest.mark.slow
def test_a_round_costs_little_beside_the_training(tmp_path: Path) -> None:
    run(tmp_path / "warm")
    seconds = [r.seconds for r in run(tmp_path / "timed").rounds]
    assert min(seconds) < 0.2, os.times()


def test_a_stage_without_validation_asks_nobody_and_keeps_its_last_round(tmp_path: Path) -> None:
    study = study_of(BOTH.model_copy(update={"validate_every": 0}), max_share=1.0)
    sites = sites_of(study)
    result = run(tmp_path / "ledger", grid_of(sites), study=study)
    assert all(record.validation is None and record.validate_replies == {} for record in result.rounds)
    asked = [a for a in sites["north"].asked if a[:2] == ("evaluate", "validation")]
    assert len(asked) == 1  # for the operating point, when all is done
    assert result.best_rounds == {}
    expected = by_hand(sites_of(study), 0, 3, INITIAL)[-1]
    for name in INITIAL:
        np.testing.assert_allclose(result.weights[name], expected[name], rtol=1e-6, atol=1e-7)


def test_without_its_validations_a_fine_stage_ends_with_the_same_weights(tmp_path: Path) -> None:
    """The fine infection decider has no part in a scan's score: its rounds tie, and the last is kept."""
    found = []
    for validate_every in (1, 0):
        fine = FINE.model_copy(update={"rounds": 4, "validate_every": validate_every})
        study = study_of(BOTH, fine, operating_point="validation")
        sites = sites_of(study)
        result = run(tmp_path / str(validate_every), grid_of(sites), study=study)
        asked = sum(task[:2] == ("evaluate", "validation") for task in sites["north"].asked)
        found.append((fingerprint(result.weights), result.operating_point, asked))
    (validated, its_point, requests), (without, point, fewer) = found
    assert without == validated != fingerprint(INITIAL) and point == its_point
    assert (requests, fewer) == (3 + 4, 3 + 1)  # the one for the operating point is left


def test_a_stage_can_end_with_the_mean_of_its_last_rounds_and_goes_on_to_it_after_a_stop(
    tmp_path: Path,
) -> None:
    """Against numpy; what the stage does not train keeps its bits."""
    stage = StageConfig(name="covid", networks=("covid",), rounds=4, validate_every=4, average_rounds=3)
    study = study_of(stage, max_share=1.0)

    def down_in_round_4(message: Message, reply: Message) -> Message:
        fourth = message.metadata.group_id == "0.4"
        return Message(Error(2, "disk-full"), reply_to=message) if fourth else reply

    grid = grid_of(sites_of(study), Tampering, hospital="east", tamper=in_training(down_in_round_4))
    with pytest.raises(PneumofedError):
        run(tmp_path, grid, study, policy=RoundPolicy(poll_s=0, quorum=3))
    result = run(tmp_path, study=study)
    rounds = by_hand(sites_of(study), 0, 4, INITIAL)
    for name in INITIAL:
        mean = np.mean([weights[name].astype(np.float64) for weights in rounds[1:]], axis=0)
        np.testing.assert_allclose(result.weights[name], mean, rtol=1e-6, atol=1e-7)
        if name.startswith("diseased/"):
            np.testing.assert_array_equal(result.weights[name], INITIAL[name])
    assert result.rounds[-1].weights_sha256 == fingerprint(result.weights)
    assert [p.name for p in tmp_path.glob("*.safetensors")] == ["00-0004.safetensors"]


def test_validation_scans_are_not_scored_twice_under_the_same_weights(tmp_path: Path) -> None:
    """What is known equals what asking again would give; a network without scores is asked about alone."""
    first = StageConfig(name="first", networks=("covid",), rounds=2, validate_every=0)
    both = BOTH.model_copy(update={"rounds": 2})
    for number, stages in enumerate([(both,), (both, first), (first,)]):
        study = study_of(*stages, operating_point="validation")
        sites = sites_of(study)
        told: list[events.Event] = []
        result = run(tmp_path / str(number), grid_of(sites), study=study, on_event=told.append)
        asked = [
            tasks
            for what, split, tasks in sites["north"].asked
            if (what, split) == ("evaluate", "validation")
        ]
        all_missing: list[list[tuple[str, ...]]] = [[], [("covid",)], [("diseased", "covid")]]
        assert asked == [("diseased", "covid")] * (2 if both in stages else 0) + all_missing[number]
        again = SiteEvaluation.empty()
        for name in ("north", "south", "east"):
            again = again.merge(
                sites[name].evaluate(result.weights, split="validation", tasks=("diseased", "covid"))
            )
        assert result.validation is not None and result.validation.to_json() == again.to_json()
        gathered = [i for i, e in enumerate(told) if isinstance(e, events.RosterBuilt)][0]
        replies = sum(isinstance(e, events.RequestFinished) for e in told[gathered:])
        assert replies == events.request_count(study, training=3, held_out=1)


class WithoutOther(FakeSite):
    """Has no scan to tell COVID-19 from, so that nothing is measured of that network."""

    def evaluate(
        self, weights: Weights, *, split: Split, tasks: Sequence[Task], **more: Any
    ) -> SiteEvaluation:
        found = super().evaluate(weights, split=split, tasks=tasks, **more)
        return SiteEvaluation({"diseased": found.histograms["diseased"], "covid": {}}, found.calls)


def test_an_undefined_validation_is_null_in_ledger_and_report(tmp_path: Path) -> None:
    study = study_of(BOTH, operating_point="validation")
    sites: dict[str, FakeSite] = {name: WithoutOther(name, study) for name in ("north", "south")}
    ledger, report = tmp_path / "ledger", tmp_path / "report"
    result = run(ledger, grid_of(sites), study)
    assert result.best_rounds["lobes/covid"] == 3  # nothing to choose by: the last
    record = json.loads((ledger / "00-0001.json").read_text())
    assert record["accuracy"]["covid"] is None and record["within_auc"]["covid"] is None
    assert Ledger(ledger, study, INITIAL).best_of(0)["covid"].score == Score(None, None)
    report.mkdir()
    write_report(report, result)
    rounds = json.loads((report / "report.json").read_text())["rounds"]
    for told in rounds:
        assert told["accuracy"]["covid"] is None and told["within_auc"]["covid"] is None
        assert 0 <= told["accuracy"]["diseased"] <= 1 and 0 <= told["within_auc"]["diseased"] <= 1
    assert "-1" not in json.dumps([{**told, "ended": None} for told in rounds])


class SummingSite(FakeSite):
    """Sends sums of drawn figures instead of weights; it has ten scans of each label."""

    def describe(self) -> SiteDescription:
        train: dict[str, int | None] = dict.fromkeys(LABELS, 10)
        described = super().describe()
        return replace(described, counts=described.counts | {"train": train})

    def train(self, weights: Weights, *, stage: int, round: int) -> TrainResult[Weights]:
        return TrainResult(cast(Weights, DRAWN_SUMS.to_arrays()), self.scans, {})


DRAWN_SUMS = LabelSums.of(
    {
        label: list(np.random.default_rng(number).normal(number, 1.0, size=(10, 4)))
        for number, label in enumerate(("healthy", "covid", "other"))
    }
)


def test_a_scan_decision_is_solved_whatever_the_strategy(tmp_path: Path) -> None:
    stage = StageConfig(name="scans", networks=TASKS, part="scan", rounds=1)
    study = study_of(BOTH).model_copy(
        update={
            "network": NetworkConfig(width=0.25, init="random", scan_figures="infection-map"),
            "stages": (stage,),
            "strategy": FedAdamConfig(name="fedadam"),
        }
    )
    heads = {
        f"{task}/scan_decision.{name}": np.zeros(size, np.float32)
        for task in TASKS
        for name, size in (("coefficients", 4), ("centre", 4), ("intercept", 1))
    }
    sites = {name: SummingSite(name, study, scans={"diseased": 30, "covid": 20}) for name in "ab"}
    result = run(tmp_path, grid_of(sites), study, initial=INITIAL | heads)
    for task in TASKS:
        expected = fit_scan_decision(DRAWN_SUMS.merge(DRAWN_SUMS), task, "infection-map", stage.ridge)
        assert expected is not None
        for name, array in expected.items():
            np.testing.assert_array_equal(result.weights[name], array)


def test_a_network_that_only_a_refused_hospital_trains_stays_as_it_is(tmp_path: Path) -> None:
    study = study_of(BOTH)
    sites = {
        "a": FakeSite("a", study, scans={"diseased": 30, "covid": 0}),
        "b": FakeSite("b", study),
    }
    grid = grid_of(sites, Tampering, hospital="b", tamper=in_training(poisoned))
    result = run(tmp_path, grid, study)
    assert [record.train["b"].status for record in result.rounds] == ["refused", "refused", "quarantined"]
    for name in INITIAL:
        assert (result.weights[name] == INITIAL[name]).all() == (
            not is_trained(name, BOTH) or "covid" in name
        )


class Diverging(FakeSite):
    def train(self, weights: Weights, *, stage: int, round: int) -> TrainResult[Weights]:
        raise PneumofedError("diverged", "in this test")


def test_the_share_of_told_patients_whose_update_counts_is_recorded(tmp_path: Path) -> None:
    """Of 30 + 100 + 11 patients told, and 20 + 0 + 11, those of `east` do not count."""
    study = study_of(BOTH)
    sites = sites_of(study) | {"east": Diverging("east", study, scans={"diseased": 11, "covid": 11})}
    counted = [record.counted for record in run(tmp_path, grid_of(sites), study).rounds]
    assert counted == [{"diseased": 130 / 141, "covid": 20 / 31}] * 3


def test_no_round_counts_without_a_required_hospital(tmp_path: Path) -> None:
    study = study_of(BOTH)
    policy = replace(POLICY, required=frozenset({"east", "far"}))
    sites = sites_of(study) | {"east": Diverging("east", study)}
    with pytest.raises(PneumofedError, match="east: diverged") as caught:
        run(tmp_path, grid_of(sites), study, policy)
    assert caught.value.code == "required-missed" and not list(tmp_path.glob("00-*.json"))
    assert len(run(tmp_path, grid_of(sites_of(study)), study, policy).rounds) == 3
