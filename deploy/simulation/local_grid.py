"""A Grid that carries the round loop's messages to hospitals in this process, without a network."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from deploy.environment import QUIET

os.environ |= QUIET  # before Flower is imported: it reads them then

from flwr.app import Context, Message, RecordDict  # noqa: E402
from flwr.clientapp import ClientApp  # noqa: E402
from flwr.common.constant import SUPERLINK_NODE_ID  # noqa: E402
from flwr.proto.node_pb2 import NodeInfo  # noqa: E402
from flwr.serverapp import Grid  # noqa: E402
from flwr.supercore.run import Run  # noqa: E402
from flwr.supercore.task_identity import TaskIdentity  # noqa: E402

from client.node.app import make_client_app  # noqa: E402
from client.node.messages import proposal_of  # noqa: E402
from deploy.simulation.site_trainer import SiteTrainer  # noqa: E402

if TYPE_CHECKING:
    from client.learning.site import Site

SiteFn = Callable[[str], "Site"]
"""Makes a hospital's Site from its name, as Flower's `client_fn` makes a client.

For worker processes it must be hashable and picklable.
"""

FIRST_NODE_ID = 1001
RUN_ID, TASK_ID = 1, 1


def client_app(site_fn: SiteFn) -> ClientApp:
    """The hospitals' ClientApp on sites of this process, each of which is made once."""
    site_of = lru_cache(maxsize=None)(site_fn)

    def trainer_of(context: Context, message: Message) -> SiteTrainer:
        return SiteTrainer(site_of(str(context.node_config["hospital"])), proposal_of(message).fingerprint)

    return make_client_app(trainer_of)


class LocalGrid(Grid):
    """One node per hospital; `app` answers for all of them in this process, one after the other.

    A request is worked off when its reply is first pulled, so that only one reply is in memory. The
    hospital's name is `context.node_config["hospital"]`.
    """

    def __init__(self, app: ClientApp, hospitals: Sequence[str]) -> None:
        self.app = app
        self.nodes = {FIRST_NODE_ID + i: name for i, name in enumerate(sorted(hospitals))}
        self._waiting: dict[str, Message] = {}
        self._sent = 0
        self._run = Run.create_empty(RUN_ID)
        # Flower's messages take their sender from here.
        TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = RUN_ID, SUPERLINK_NODE_ID, TASK_ID

    def set_run(self, run: Run) -> None:
        self._run = run

    @property
    def run(self) -> Run:
        return self._run

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """A message for one node; `push_messages` takes it."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        return list(self.nodes)

    def get_nodes(self) -> Iterable[NodeInfo]:
        return [NodeInfo(node_id=node_id, name=name) for node_id, name in self.nodes.items()]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        return [self._push(message) for message in messages]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self.answer(self._waiting.pop(i)) for i in message_ids if i in self._waiting]

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))

    def _push(self, message: Message) -> str:
        self._sent += 1
        message_id = str(self._sent)
        message.metadata.__dict__["_message_id"] = message_id
        self._waiting[message_id] = message
        return message_id

    def answer(self, message: Message) -> Message:
        """A hospital's reply."""
        node_id = message.metadata.dst_node_id
        context = Context(
            run_id=RUN_ID,
            node_id=node_id,
            node_config={"hospital": self.nodes[node_id]},
            state=RecordDict(),
            run_config={},
        )
        return self.app(message, context)
