"""The Flower ClientApp: the thin process that faces the network. It holds no data and imports no torch.

It forwards a message to the trainer, and what the trainer returns as the reply. Whatever goes wrong, a code
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
from shared_model.versions import Versions

log = logging.getLogger("pneumofed.node")

TrainerOf = Callable[[Context, Message], Trainer]
"""The trainer that a node asks for the study of a message."""

VersionsOf = Callable[[Context], Versions]
"""The versions of a node."""

Answer = Callable[[Trainer, Message, Context], RecordDict]


def _none(context: Context) -> Versions:
    return {}


def make_client_app(trainer_of: TrainerOf, versions_of: VersionsOf = _none) -> ClientApp:
    """The app that answers describe (query), train and evaluate with the node's trainer.

    versions_of: of the node, for its description; none in a simulation.
    """

    def describe(trainer: Trainer, message: Message, context: Context) -> RecordDict:
        return messages.describe_reply(trainer.describe(), versions_of(context))

    app = ClientApp()
    app.query()(_handler(describe, trainer_of))
    app.train()(_handler(_train, trainer_of))
    app.evaluate()(_handler(_evaluate, trainer_of))
    return app


def _train(trainer: Trainer, message: Message, context: Context) -> RecordDict:
    request = messages.train_request(message)
    return messages.train_reply(trainer.train(messages.weights_of(message), request))


def _evaluate(trainer: Trainer, message: Message, context: Context) -> RecordDict:
    request = messages.evaluate_request(message)
    return messages.evaluate_reply(trainer.evaluate(messages.weights_of(message), request))


def _handler(answer: Answer, trainer_of: TrainerOf) -> Callable[[Message, Context], Message]:
    def handle(message: Message, context: Context) -> Message:
        try:
            return Message(answer(trainer_of(context, message), message, context), reply_to=message)
        except Exception as error:
            code = code_of(error)
            log.error("request %s failed: %s (%s)", message.metadata.message_type, code, place_of(error))
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, code), reply_to=message)

    return handle
