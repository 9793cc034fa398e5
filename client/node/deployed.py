"""The ClientApp of a hospital's node: it asks the trainer behind the node's configured socket."""

from pathlib import Path

from flwr.app import Context, Message

from client.node.app import make_client_app
from client.node.messages import proposal_of
from client.node.remote import RemoteTrainer

TRAINER = "trainer"
"""Name in the node's configuration: path of the trainer's socket."""


def _trainer_of(context: Context, message: Message) -> RemoteTrainer:
    socket = Path(str(context.node_config[TRAINER]))
    return RemoteTrainer(socket, proposal_of(message), deadline_s=message.metadata.ttl)


app = make_client_app(_trainer_of)
