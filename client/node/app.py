"""The Flower ClientApp: the thin process that faces the network. It holds no data and imports no torch.

It turns a message into a call of the trainer and the outcome into a reply. Whatever goes wrong, a code
crosses and nothing else: an exception's text may hold a path or a name.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from numpy.typing import NDArray

from client.node import messages
from shared_model.errors import PneumofedError
from shared_model.protocol import INTERNAL_ERROR, SiteDescription, Split, is_code

log = logging.getLogger("pneumofed.node")

NamedArrays = dict[str, NDArray[np.float32]]


class Outcome(Protocol):
    """What a training round gives (client.training.TrainOutcome)."""

    @property
    def weights(self) -> NamedArrays: ...
    @property
    def scans(self) -> Mapping[Any, int]: ...
    @property
    def loss(self) -> Mapping[Any, float]: ...


class Evaluation(Protocol):
    """Mergeable counts (shared_model.metrics.SiteEvaluation)."""

    def to_json(self) -> Mapping[Any, Any]: ...


class Trainer(Protocol):
    """The data zone as the network zone sees it (client.training.Site)."""

    def describe(self) -> dict[str, Any]: ...
    def train(self, weights: NamedArrays, *, stage: int, round: int) -> Outcome: ...
    def evaluate(self, weights: NamedArrays, *, split: Split, tasks: Any) -> Evaluation: ...


TrainerOf = Callable[[Context], Trainer]
Answer = Callable[[Trainer, Message], RecordDict]


def make_client_app(trainer_of: TrainerOf) -> ClientApp:
    """The app that answers describe (query), train and evaluate with the trainer of the node's context."""
    app = ClientApp()
    app.query()(_handler(_describe, trainer_of))
    app.train()(_handler(_train, trainer_of))
    app.evaluate()(_handler(_evaluate, trainer_of))
    return app


def _describe(trainer: Trainer, message: Message) -> RecordDict:
    return messages.describe_reply(SiteDescription.of(trainer.describe()))


def _train(trainer: Trainer, message: Message) -> RecordDict:
    task = messages.train_task(message)
    outcome = trainer.train(task.weights, stage=task.stage, round=task.round)
    return messages.train_reply(outcome.weights, outcome.scans, outcome.loss)


def _evaluate(trainer: Trainer, message: Message) -> RecordDict:
    task = messages.evaluate_task(message)
    evaluation = trainer.evaluate(task.weights, split=task.split, tasks=task.tasks)
    return messages.evaluate_reply(evaluation.to_json())


def _handler(answer: Answer, trainer_of: TrainerOf) -> Callable[[Message, Context], Message]:
    def handle(message: Message, context: Context) -> Message:
        try:
            return Message(answer(trainer_of(context), message), reply_to=message)
        except Exception as error:
            code = _code(error)
            log.error("task %s failed: %s (%s)", message.metadata.message_type, code, _place(error))
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, code), reply_to=message)

    return handle


def _code(error: Exception) -> str:
    if isinstance(error, PneumofedError) and is_code(error.code):
        return error.code
    return INTERNAL_ERROR


def _place(error: Exception) -> str:
    """Kind and line of the fault for the hospital's own log, without the exception's text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    module = trace.tb_frame.f_globals.get("__name__", "?")
    return f"{type(error).__name__} in {module}, line {trace.tb_lineno}"
