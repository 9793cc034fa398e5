"""Asks hospitals for scores, during training and in the end, and makes the study's result of them."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flwr.app import Message, MessageType

from server import admission, events, messages, model_selection
from server.collect import Collector, Question
from server.ledger import Ledger, check_strategy, read_result
from server.roster import Roster
from server.software import versions
from server.study_result import FinishedStudy, HospitalOutcome, StudyResult, ordered
from shared_model.constants import TASKS, Task
from shared_model.envelope import question_of
from shared_model.errors import PneumofedError
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all
from shared_model.proposal import Proposal
from shared_model.protocol import EvaluateRequest, Split
from shared_model.saved_model import OperatingPoint
from shared_model.study import StudyConfig
from shared_model.weights import Weights, fingerprint


def measured_result(ledger: Ledger, trained_on: str) -> StudyResult | None:
    """The ledger's result if its hospitals were measured, also if some did not return; else None.

    Raises PneumofedError `study-finished`, `ledger-damaged`.
    """
    return _measured(ledger.result(), trained_on)


def check_repeat(folder: Path, trained_on: str, strategy: str | None) -> None:
    """Whether the study whose ledger is in `folder` may be run with these options; any may be if it is new.

    Raises PneumofedError `study-finished`, `ledger-of-another-study` for another strategy, `ledger-damaged`.
    """
    _measured(read_result(folder), trained_on)
    check_strategy(folder, strategy)


def _measured(result: StudyResult | None, trained_on: str) -> StudyResult | None:
    if result is None or result.is_partial:
        return None
    if result.trained_on != trained_on:
        raise PneumofedError(
            "study-finished",
            f"study {result.study.name!r} is finished, and its hospitals approved the sentence "
            f"{result.trained_on!r}; name that one, or give a new study a name of its own",
        )
    return result


def finished_study(ledger: Ledger, trained_on: str) -> FinishedStudy | None:
    """What the ledger holds of a study whose every hospital was measured; None if there is something to do.

    Raises as `measured_result`.
    """
    result = measured_result(ledger, trained_on)
    if result is None or not result.is_whole:
        return None
    weights = ledger.final_weights()
    if fingerprint(weights) != result.weights_sha256:
        raise PneumofedError(
            "ledger-damaged", f"{ledger.folder}: the result is not of these rounds; bring back a copy"
        )
    return FinishedStudy(**dict(result), weights=weights)


@dataclass(frozen=True)
class Measurement:
    """Measures the weights of one study at the hospitals of a roster. command: as for `run_study`."""

    collector: Collector
    proposal: Proposal
    roster: Roster
    ledger: Ledger
    command: str = ""

    @property
    def study(self) -> StudyConfig:
        return self.proposal.study

    def evaluate(
        self,
        weights: Weights,
        split: Split,
        tasks: tuple[Task, ...],
        operating_point: OperatingPoint | None = None,
        known: Collection[str] = (),
    ) -> tuple[dict[str, SiteEvaluation], dict[str, HospitalOutcome]]:
        """Scores of the hospitals that have `split`: "all" are the held-out ones, else those that train.

        Those that are `known` are not asked.
        With an `operating_point` also what their scans are called. In a private study those that train give
        none, so the last round is kept.
        """
        if split != "all" and self.study.privacy is not None:
            return {}, {}
        nodes = self.roster.held_out if split == "all" else self.roster.training
        nodes = {name: node for name, node in nodes.items() if name not in known}
        phase: events.Phase = "validation" if split == "validation" else "test"
        found: dict[str, SiteEvaluation] = {}
        point = {task: getattr(operating_point, task) for task in TASKS} if operating_point else None
        asked = EvaluateRequest(split, tasks, point)

        def use(hospital: str, reply: Message) -> dict[str, Any]:
            evaluation = messages.read_evaluation(reply)
            description = self.roster.descriptions[hospital]
            admission.admit_evaluation(evaluation, asked, description, self.study.subgroups)
            found[hospital] = evaluation
            return {}

        request = messages.evaluate_request(self.proposal, weights, asked)
        name = question_of(self.proposal.fingerprint, asked, fingerprint(weights))
        replies = self.collector.collect(
            Question(phase, MessageType.EVALUATE, split, request, name), nodes, use
        )
        return dict(sorted(found.items())), replies

    def measure(self, weights: Weights) -> FinishedStudy:
        """Choose the operating point on validation scans, then measure at all hospitals.

        Those whose evaluations the ledger has are not asked again.
        """
        self.collector.stop.check_between_rounds()
        earlier = self.ledger.result()
        if earlier is None or earlier.is_partial:
            validation = self._validation(weights)
            point = model_selection.operating_points(validation, self.study)
            earlier = self._result(validation=validation, operating_point=point)
        point = earlier.operating_point
        found, replies = dict(earlier.evaluations), dict(earlier.final_replies)
        splits: tuple[Split, ...] = ("test", "all")
        for split in splits:
            measured, replied = self.evaluate(weights, split, TASKS, point, known=earlier.evaluations)
            found, replies = found | measured, replies | replied
        hospitals = {one.name: one for one in (*self.roster.hospitals, *earlier.hospitals)}
        changes = {
            "hospitals": ordered(hospitals.values()),
            "evaluations": dict(sorted(found.items())),
            "final_replies": dict(sorted(replies.items())),
            "left_out": {n: why for n, why in self.roster.left_out.items() if n not in hospitals},
            "notices": self._notices(),
            "weights_sha256": fingerprint(weights),
            "ended": time.time(),
        }
        result = FinishedStudy(**{**dict(earlier), **changes}, weights=weights)
        self.ledger.write_result(result)
        return result

    def partial_result(self) -> StudyResult:
        """After the rounds until now."""
        validated = [record.validation for record in self.ledger.records if record.validation is not None]
        validation = validated[-1] if validated else SiteEvaluation.empty()
        return self._result(validation=validation, operating_point=OperatingPoint())

    def _result(self, *, validation: SiteEvaluation, operating_point: OperatingPoint) -> StudyResult:
        """Of the rounds until now, without a measurement."""
        records = self.ledger.records
        best = {(self.study.stages[r.stage].name, task): n for r in records for task, n in r.best.items()}
        return StudyResult(
            study=self.study,
            trained_on=self.proposal.trained_on,
            command=self.command,
            software=versions(),
            hospitals=self.roster.hospitals,
            rounds=tuple(records),
            best_rounds={f"{stage}/{task}": number for (stage, task), number in best.items()},
            validation=validation,
            operating_point=operating_point,
            evaluations={},
            final_replies={},
            left_out=self.roster.left_out,
            notices=self._notices(),
            weights_sha256=records[-1].weights_sha256,
        )

    def _notices(self) -> dict[str, tuple[str, ...]]:
        known = self.collector.standings.all()
        return {name: standing.notices for name, standing in known.items() if standing.notices}

    def _validation(self, weights: Weights) -> SiteEvaluation:
        """Scores of validation scans under the final weights, requested only if they are not known."""
        known = self._known_scores()
        missing = tuple(task for task in TASKS if task not in known)
        scores = SiteEvaluation({task: known.get(task, {}) for task in TASKS})
        if not missing:
            return scores
        found, _ = self.evaluate(weights, "validation", missing)
        return scores.merge(merge_all(found.values()))

    def _known_scores(self) -> dict[Task, dict[str, ScoreHistogram]]:
        """Of the networks whose last stage was validated: the scores of the round that was kept, by label."""
        known: dict[Task, dict[str, ScoreHistogram]] = {}
        for index, stage in enumerate(self.study.stages):
            records = {record.round: record for record in self.ledger.records if record.stage == index}
            for task in stage.networks:
                known.pop(task, None)
                kept = records[stage.rounds].best.get(task)
                if kept is not None and (validation := records[kept].validation) is not None:
                    known[task] = validation.histograms[task]
        return known
