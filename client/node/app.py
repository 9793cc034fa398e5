"""The Flower ClientApp: the thin process that faces the network. It holds no data and imports no torch.

It turns a message into a call of the trainer and the outcome into a reply. Whatever goes wrong, a code
crosses and nothing else: an exception's text may hold a path or a name.
"""

import logging
from collections.abc import Callable

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode

from client.error_redaction import code_of, place_of
from client.node import messages
from client.trainer_interface import Trainer
from shared_model.protocol import SiteDescription

log = logging.getLogger("pneumofed.node")

TrainerOf = Callable[[Context, Message], Trainer]
"""The trainer that a node asks for the study of a message."""

Answer = Callable[[Trainer, Message], RecordDict]


def make_client_app(trainer_of: TrainerOf) -> ClientApp:
    """The app that answers describe (query), train and evaluate with the node's trainer."""
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
            return Message(answer(trainer_of(context, message), message), reply_to=message)
        except Exception as error:
            code = code_of(error)
            log.error("task %s failed: %s (%s)", message.metadata.message_type, code, place_of(error))
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, code), reply_to=message)

    return handle
