"""The round loop of a study: build the roster, train round by round, select the model, evaluate it.

Works on any Flower Grid. Every complete round is in the ledger before the next begins, so a study resumes
where it stopped. One reply is in memory at a time; sums are kept, not replies (strategies/fed_avg.py).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flwr.app import Message, MessageType
from flwr.serverapp import Grid

from server import events, messages, model_selection
from server.collect import Collector, Question
from server.dispatch import RoundPolicy
from server.feasibility import check_feasible
from server.ledger import Ledger
from server.measurement import Measurement, finished_study
from server.roster import Expected, Roster, build_roster
from server.round_updates import round_updates
from server.standing import Standings
from server.stop_flag import NOBODY_STOPS, StopFlag
from server.strategies.choice import server_step
from server.strategies.round_averaging import mean_of_rounds
from server.strategies.server_step import ServerStep, State
from server.study_result import FinishedStudy, HospitalOutcome, RoundRecord
from server.torch_process import stage_start_weights
from shared_model.constants import Task
from shared_model.envelope import question_of
from shared_model.errors import PneumofedError
from shared_model.metrics.site_evaluation import merge_all
from shared_model.proposal import Proposal
from shared_model.protocol import TrainRequest
from shared_model.quantity import quantity
from shared_model.study import StudyConfig
from shared_model.weights import Weights, fingerprint

Bests = dict[Task, model_selection.Best]


def run_study(
    grid: Grid,
    study: StudyConfig,
    initial: Weights,
    *,
    ledger: Ledger,
    policy: RoundPolicy,
    trained_on: str = "",
    command: str = "",
    on_event: events.Listener = events.ignore,
    expected: Expected | None = None,
    stop: StopFlag = NOBODY_STOPS,
) -> FinishedStudy:
    """Run or resume `study` from the weights `initial`, and evaluate the model.

    trained_on: the sentence on the data that hospitals approve and the model shows; command: what makes this
    result again. expected: hospitals to wait for before the first round; None: those that are connected take
    part. stop: by which people end it.

    The ledger names a researcher's own strategy, if there is one instead of the study's. A study that is
    finished is read from it, and no hospital is asked; one whose measurement lacks hospitals asks these.

    Raises PneumofedError `no-hospitals` if nobody can train, `duplicate-hospital`, `quorum-missed` if a
    round got too few updates (the ledger holds the rounds before it), `required-missed` if it lacks that of a
    required hospital, `study-stopped`, `study-finished` if hospitals approved another sentence for it, those
    of `build_roster`, and the ledger's errors.
    """
    if (finished := finished_study(ledger, trained_on)) is not None:
        return finished
    proposal = Proposal.of(study, initial, trained_on=trained_on)
    on_event(events.StudyProposed(proposal.fingerprint))
    collector = Collector(grid, policy, Standings(ledger.folder), on_event, stop)
    roster = build_roster(collector, proposal, expected)
    asked = {n: d for n, d in roster.descriptions.items() if not collector.standings.of(n).quarantined}
    check_feasible(study, asked)
    measurement = Measurement(collector, proposal, roster, ledger, command)
    coordinator = Coordinator(measurement, server_step(study, ledger.strategy))
    weights = initial
    for index in range(len(study.stages)):
        weights = coordinator.run_stage(index, weights)
    return measurement.measure(weights)


@dataclass(frozen=True)
class Coordinator:
    """One run of a study with the hospitals of a roster."""

    measurement: Measurement
    step: ServerStep

    @property
    def collector(self) -> Collector:
        return self.measurement.collector

    @property
    def proposal(self) -> Proposal:
        return self.measurement.proposal

    @property
    def roster(self) -> Roster:
        return self.measurement.roster

    @property
    def ledger(self) -> Ledger:
        return self.measurement.ledger

    @property
    def study(self) -> StudyConfig:
        return self.proposal.study

    def run_stage(self, index: int, weights: Weights) -> Weights:
        """All rounds of a stage that the ledger does not hold yet; weights with each network's best round."""
        stage, done = self.study.stages[index], self.ledger.rounds_done(index)
        best = self.ledger.best_of(index) if done else {}
        weights = (
            self.ledger.weights_after(index) if done else stage_start_weights(weights, stage, self.study)
        )
        state = self.ledger.state_after(index) if done else {}
        for round in range(done + 1, stage.rounds + 1):
            self.collector.stop.check_between_rounds()
            self.collector.on_event(events.RoundStarted(stage, round))
            weights, state, best, record = self.run_round(index, round, weights, state, best)
            self.ledger.write(record, weights, state)
            self.ledger.write_result(self.measurement.partial_result())
            self.collector.on_event(events.RoundFinished(stage, record))
        return model_selection.with_best(weights, best)

    def run_round(
        self, index: int, round: int, weights: Weights, state: State, best: Bests
    ) -> tuple[Weights, State, Bests, RoundRecord]:
        """Train at the hospitals that train, average, and validate if it is due."""
        stage, start = self.study.stages[index], time.monotonic()
        mean, trained = self.train(index, round, weights)
        if stage.part == "scan":
            weights = mean  # solved, not averaged: nothing for a strategy to move
        else:
            weights, state = self.step(weights, mean, state)
        if round == stage.rounds:
            before = [self.ledger.weights_of(index, earlier) for earlier in stage.averaged_rounds]
            weights = mean_of_rounds([*before, weights], stage) if before else weights
        replies: dict[str, HospitalOutcome] = {}
        validation, scores = None, {}
        if stage.validates(round):
            found, replies = self.measurement.evaluate(weights, "validation", stage.networks)
            validation = merge_all(found.values())
            scores = {
                task: model_selection.score_of(found.values(), task, self.study) for task in stage.networks
            }
            best = model_selection.keep_best(best, round=round, weights=weights, scores=scores)
        record = RoundRecord(
            stage=index,
            round=round,
            train=trained,
            validate_replies=replies,
            validation=validation,
            accuracy={task: score.accuracy for task, score in scores.items()},
            within_auc={task: score.within_auc for task, score in scores.items()},
            best={task: kept.round for task, kept in best.items()},
            counted=self._counted(stage.networks, trained),
            weights_sha256=fingerprint(weights),
            state_sha256=fingerprint(state) if state else None,
            seconds=time.monotonic() - start,
            ended=time.time(),
        )
        return weights, state, best, record

    def train(self, index: int, round: int, weights: Weights) -> tuple[Weights, dict[str, HospitalOutcome]]:
        """Train one round at the hospitals; what their updates combine to, and each hospital's outcome."""
        stage = self.study.stages[index]
        updates = round_updates(stage, self.study, weights)

        def use(hospital: str, reply: Message) -> dict[str, Any]:
            result = messages.read_train_result(reply, weights)
            updates.add(result, self.roster.descriptions[hospital])
            return {"scans": dict(result.scans), "loss": dict(result.loss), "cost": result.cost}

        asked = TrainRequest(index, round)
        request = messages.train_request(self.proposal, weights, asked)
        name = question_of(self.proposal.fingerprint, asked, fingerprint(weights))
        question = Question("train", MessageType.TRAIN, f"{index}.{round}", request, name)
        replies = self.collector.collect(question, self.roster.training, use)
        where = f"stage {stage.name!r}, round {round}"
        missing = {name: reply for name, reply in replies.items() if reply.status != "returned"}
        returned = len(replies) - len(missing)
        quorum = self.collector.policy.quorum
        if returned < quorum:
            raise PneumofedError(
                "quorum-missed",
                f"{where}: {returned} of {quantity(len(replies), 'hospital')} returned an update, needed: "
                f"{quorum} ({_reasons(missing)}); correct these and run again",
            )
        self._check_required(where, replies)
        undecided = updates.undecided()
        # What only absent hospitals can train stays as it is in this round; a scan decision has one round.
        if undecided and (returned == len(replies) or stage.part == "scan"):
            raise PneumofedError(
                "nobody-trained",
                f"{where}: no hospital has a say in {' and '.join(undecided)}, as none that returned has "
                "enough training patients of the classes that it needs; see the stage's `part` and `say`, "
                "or the hospitals' `count_floor` (hospital.toml)",
            )
        return updates.result(), replies

    def _check_required(self, where: str, replies: Mapping[str, HospitalOutcome]) -> None:
        training = self.collector.policy.required & self.roster.training.keys()
        missed = {n: r for n, r in replies.items() if n in training and r.status != "returned"}
        if missed:
            raise PneumofedError(
                "required-missed",
                f"{where}: no update of a hospital that is required ({_reasons(missed)}); correct this and "
                "run again",
            )

    def _counted(
        self, networks: tuple[Task, ...], replies: Mapping[str, HospitalOutcome]
    ) -> dict[Task, float | None]:
        """The share of the told training patients whose hospitals returned; None where none are told."""
        shares: dict[Task, float | None] = {}
        for task in networks:
            told = {name: self.roster.descriptions[name].told(task) for name in self.roster.training}
            counted = sum(n for name, n in told.items() if replies[name].status == "returned")
            shares[task] = counted / sum(told.values()) if any(told.values()) else None
        return shares


def _reasons(replies: Mapping[str, HospitalOutcome]) -> str:
    return ", ".join(f"{name}: {reply.reason or reply.status}" for name, reply in sorted(replies.items()))
