"""The ClientApp of a hospital's node: it asks the trainer behind the node's configured socket."""

from pathlib import Path

from flwr.app import Context, Message

from client.node.app import make_client_app
from client.node.messages import proposal_of, seen_head
from client.node.trainer_client import TrainerClient

TRAINER = "trainer"
"""Name in the node's configuration: path of the trainer's socket."""


def _trainer_of(context: Context, message: Message) -> TrainerClient:
    socket = Path(str(context.node_config[TRAINER]))
    return TrainerClient(
        socket, proposal_of(message), deadline_s=message.metadata.ttl, seen=seen_head(message)
    )


app = make_client_app(_trainer_of)
