"""The gRPC service: reads a request, has it permitted and recorded, has the job done, streams the result.

An RPC that fails ends with the error's code as its details, and nothing else. What leaves is in the audit log
before it is sent.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

import grpc

from client.error_redaction import code_of, place_of
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.asked_tasks import ASKED, asked_since_approval, check_permitted
from client.trainer.job_runner import JobRunner
from client.trainer.jobs import Describe, Evaluate, Job, Result, Train, facts_of_result
from client.trainer.refusals import RefusalRows
from client.trainer.weights_file import read_weights
from client.trainer.worker import Done, Step
from client.wire import trainer_pb2 as pb
from client.wire.chunks import from_chunks, to_chunks
from client.wire.trainer_pb2_grpc import TrainerServicer
from shared_model.bundle import REFUSED
from shared_model.envelope import LOG_CUT, LogHead, question_of
from shared_model.errors import PneumofedError
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.proposal import Proposal, Purpose
from shared_model.protocol import EvaluateRequest, Role, SiteDescription, Split, TrainRequest, TrainResult
from shared_model.weights import Weights, to_bytes

log = logging.getLogger("pneumofed.trainer")


class TrainerService(TrainerServicer):
    """Answers for one hospital. job_limit_s: the longest that any job may take here."""

    def __init__(
        self, runner: JobRunner, approvals: Approvals, audit: AuditLog, role: Role, *, job_limit_s: float
    ) -> None:
        self._runner, self._approvals, self._audit, self._role = runner, approvals, audit, role
        self._job_limit_s = job_limit_s
        self._refusals = RefusalRows(audit)
        self._asking = threading.Lock()
        self._last: tuple[Proposal, dict[str, Any], Done] | None = None
        self._cut_is_written = False

    def Describe(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Role and counts; a proposal that is new here is kept for people to decide on."""
        with self._answering("describe", context) as asked:
            proposal = self._received(request.proposal, asked)
            self._check_log(request)
            answers = list(self._do(proposal, Describe(), context, asked))
            done = next(answer for answer in answers if isinstance(answer, _Answered))
            description = cast(SiteDescription, done.result).to_text()
            return pb.DescribeReply(description=description, envelope=done.envelope)

    def Train(self, request_iterator: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Steps as they are done, then scans and losses, then the weights in chunks."""
        with self._answering("train", context) as asked:
            job = _first_part(request_iterator)
            proposal = self._permitted(job.proposal, "train", asked)
            self._check_log(job)
            train = Train(_rest(request_iterator, proposal), TrainRequest(job.stage, job.round))
            for answer in self._do(proposal, train, context, asked):
                if isinstance(answer, Step):
                    yield pb.TrainReply(progress=pb.Progress(done=answer.done, total=answer.total))
                else:
                    result = cast(TrainResult[Weights], answer.result)
                    cost = None if result.cost is None else pb.Cost(**asdict(result.cost))
                    figures = pb.Figures(
                        scans=result.scans, loss=result.loss, envelope=answer.envelope, cost=cost
                    )
                    yield pb.TrainReply(figures=figures)
                    data = to_bytes(result.weights)
                    yield from (pb.TrainReply(weights=chunk) for chunk in to_chunks(data))

    def Evaluate(self, request_iterator: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Scans as they are done, then the counts of their scores."""
        with self._answering("evaluate", context) as asked:
            job = _first_part(request_iterator)
            proposal = self._permitted(job.proposal, "evaluate", asked)
            self._check_log(job)
            evaluate = Evaluate(_rest(request_iterator, proposal), _evaluate_request(job))
            for answer in self._do(proposal, evaluate, context, asked):
                if isinstance(answer, Step):
                    yield pb.EvaluateReply(progress=pb.Progress(done=answer.done, total=answer.total))
                else:
                    evaluation = cast(SiteEvaluation, answer.result)
                    yield pb.EvaluateReply(evaluation=evaluation.to_text(), envelope=answer.envelope)

    def BundleRefused(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Record that the node refused a bundle."""
        with self._answering("bundle", context) as asked:
            asked.is_task = True  # whatever fails here is no refusal
            self._refusals.note("bundle", REFUSED, None)
            return pb.BundleRefusedReply()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Stop the job that runs, if one does."""
        return pb.CancelReply(was_running=self._runner.cancel())

    @contextmanager
    def _answering(self, task: str, context: grpc.ServicerContext) -> Iterator["_Asked"]:
        """Ends the RPC with a code if something fails; the exception's text stays here.

        A request that is refused before it became a task is in the audit log too.
        """
        asked = _Asked()
        try:
            yield asked
        except Exception as error:
            code = code_of(error)
            log.error("request %s ended: %s (%s)", task, code, place_of(error))
            if not asked.is_task:
                self._note_refusal(task, code, asked.study)
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, code)

    def _note_refusal(self, task: str, code: str, study: str | None) -> None:
        """In the audit log; if that fails too, as on a full disk, the request is refused all the same."""
        try:
            self._refusals.note(task, code, study)
        except (OSError, PneumofedError) as error:
            log.error("a refusal could not be recorded: %s (%s)", code_of(error), place_of(error))

    def _received(self, text: str, asked: "_Asked") -> Proposal:
        """The proposal, kept for people to decide on if it is new; permitted or refused by code."""
        proposal = Proposal.from_text(text)
        asked.study = proposal.fingerprint
        if self._approvals.receive(proposal):
            self._audit.write("proposed", study=proposal.fingerprint, name=proposal.study.name)
        self._approvals.check(proposal, None)
        return proposal

    def _permitted(self, text: str, purpose: Purpose, asked: "_Asked") -> Proposal:
        """The proposal; one that is not permitted gets no further, before anything large is read."""
        proposal = Proposal.from_text(text)
        asked.study = proposal.fingerprint
        self._approvals.check(proposal, purpose)
        return proposal

    def _check_log(self, asked: Any) -> None:
        """Refuse, and record, a request whose sender saw a line that this hospital's audit log lacks.

        Raises PneumofedError `log-cut`; `task-unreadable` for what cannot be a log's head.
        """
        if not asked.HasField("seen"):
            return
        try:
            seen = LogHead(asked.seen.number, asked.seen.hash)
        except ValueError as error:
            raise PneumofedError("task-unreadable", f"{error}; both zones need one version") from None
        if self._audit.holds(seen.number, seen.hash):
            return
        if not self._cut_is_written:  # once a start: who asks cannot fill the disk with other heads
            self._audit.write(LOG_CUT, number=seen.number, hash=seen.hash)
            self._cut_is_written = True
        raise PneumofedError(
            LOG_CUT,
            f"the audit log lacks line {seen.number} that the coordinator saw: it was cut, or state/ was "
            "brought back from a backup; find out which, then ask the coordinator to acknowledge it",
        )

    def _answered(self, done: Done, question: str) -> "_Answered":
        """The result with the question and the audit log's head, which is about what leaves now."""
        last = self._audit.last()
        head = None if last is None else pb.LogHead(number=last.number, hash=last.hash)
        return _Answered(done.result, pb.Envelope(question=question, head=head))

    def _begin(self, proposal: Proposal, job: Job, asked: "_Asked") -> dict[str, Any]:
        """Check that the study plans the task, and write it to the audit log; returns what is asked."""
        facts = job.facts()
        with self._asking:  # the same round asked twice at once with different weights is refused once
            before = asked_since_approval(self._audit.entries(), proposal.fingerprint)
            check_permitted(job, facts, proposal.study, self._role, before)
            self._audit.write(ASKED, study=proposal.fingerprint, task=job.name, **facts)
            asked.is_task = True
        return facts

    def _do(
        self, proposal: Proposal, job: Job, context: grpc.ServicerContext, request: "_Asked"
    ) -> "Iterator[Step | _Answered]":
        """The job's steps and its result, with lines in the audit log before and after."""
        facts, asked = {"study": proposal.fingerprint, "task": job.name}, self._begin(proposal, job, request)
        question = question_of(proposal.fingerprint, job.request, asked.get("weights", ""))

        def check() -> None:
            self._approvals.check(proposal, job.purpose)
            if not context.is_active():
                raise PneumofedError("cancelled", "who asked is gone")

        last = self._last
        if job.purpose is not None and last is not None and last[:2] == (proposal, asked):
            # Asked again, as the answer was lost on its way: the same request gives the same bits.
            self._audit.write("returned", **facts, **facts_of_result(last[2].result), again=True)
            yield self._answered(last[2], question)
            return
        deadline_s = min(self._job_limit_s, context.time_remaining() or self._job_limit_s)
        try:
            for answer in self._runner.run(proposal, job, deadline_s=deadline_s, check=check):
                if isinstance(answer, Done):
                    self._last = (proposal, asked, answer)
                    self._audit.write("returned", **facts, **facts_of_result(answer.result))
                    yield self._answered(answer, question)
                else:
                    yield answer
        except (Exception, GeneratorExit) as error:
            gone = isinstance(error, GeneratorExit)
            self._audit.write("failed", **facts, code="cancelled" if gone else code_of(error))
            raise


@dataclass
class _Asked:
    """A request: the fingerprint of its study, once read, and whether the audit log has it as a task."""

    study: str | None = None
    is_task: bool = False


class _Answered(NamedTuple):
    """A job's result; envelope: a pb.Envelope."""

    result: Result
    envelope: Any


def _first_part(parts: Iterator[Any]) -> Any:
    """The first part of a request, which says what is asked. Raises PneumofedError `task-unreadable`."""
    first = next(parts, None)
    if first is None or first.WhichOneof("part") != "job":
        raise PneumofedError("task-unreadable", "a request begins with its job; both zones need one version")
    return first.job


def _evaluate_request(asked: Any) -> EvaluateRequest:
    """Raises PneumofedError `task-unreadable` for operating points that cannot be."""
    try:
        return EvaluateRequest(
            cast(Split, asked.split), tuple(asked.tasks), dict(asked.operating_point) or None
        )
    except ValueError as error:
        raise PneumofedError("task-unreadable", f"{error}; both zones need one version") from error


def _rest(parts: Iterator[Any], proposal: Proposal) -> Weights:
    """The weights, which all other parts hold. Raises `weights-too-long`, `weights-unreadable`."""
    return read_weights(from_chunks((part.weights for part in parts), proposal))
