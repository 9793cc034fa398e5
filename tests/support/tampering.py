"""The local engine with one hospital whose replies are changed on their way, as a hospital could itself."""

from collections.abc import Callable, Iterable, Sequence

from flwr.app import Array, ArrayRecord, Message
from flwr.clientapp import ClientApp

from deploy.simulation.local_grid import LocalGrid
from shared_model.weights import Weights, to_bytes

Tamper = Callable[[Message, Message], Message | None]
"""Makes another reply of a message and the reply to it."""


class Tampering(LocalGrid):
    """One hospital's replies are replaced: by `tamper(message, reply)`; None: it never answers."""

    def __init__(self, app: ClientApp, hospitals: Sequence[str], *, hospital: str, tamper: Tamper) -> None:
        super().__init__(app, hospitals)
        self.hospital, self.tamper = hospital, tamper

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        replies: list[Message] = []
        for message_id in message_ids:
            message = self._waiting.get(message_id)
            if message is None:
                continue
            if self.nodes[message.metadata.dst_node_id] != self.hospital:
                replies += super().pull_messages([message_id])
            elif (reply := self.tamper(message, self.answer(message))) is not None:
                del self._waiting[message_id]
                replies.append(reply)
        return replies


def in_training(change: Tamper) -> Tamper:
    """Tamper with replies to training tasks only."""
    return lambda message, reply: (
        change(message, reply) if message.metadata.message_type == "train" else reply
    )


def with_arrays(reply: Message, weights: Weights) -> Message:
    data = to_bytes(weights)
    reply.content["weights"] = ArrayRecord({"weights": Array("uint8", (len(data),), "safetensors", data)})
    return reply


def sent_by(reply: Message) -> Array:
    """The weights in a reply, as one array of bytes."""
    return reply.content.array_records["weights"]["weights"]
