"""Who takes part: the connected hospitals, what they say of themselves, and who cannot."""

from collections import Counter
from dataclasses import dataclass

from flwr.app import MessageType
from flwr.serverapp import Grid

from server import admission, events, messages
from server.dispatch import RoundPolicy, ask
from server.study_result import Hospital, HospitalReply
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import SiteDescription


@dataclass(frozen=True)
class Roster:
    """nodes[hospital]: Flower's node id; descriptions: of the hospitals admitted; left_out: of the others."""

    nodes: dict[str, int]
    descriptions: dict[str, SiteDescription]
    left_out: dict[str, HospitalReply]

    @property
    def training(self) -> dict[str, int]:
        return self._of_role("training")

    @property
    def held_out(self) -> dict[str, int]:
        return self._of_role("held-out")

    @property
    def hospitals(self) -> tuple[Hospital, ...]:
        """Those that train first, then by name."""
        names = sorted(self.descriptions, key=lambda name: (self.descriptions[name].role == "held-out", name))
        return tuple(
            Hospital(name, self.descriptions[name].role, self.descriptions[name].counts["all"])
            for name in names
        )

    def _of_role(self, role: str) -> dict[str, int]:
        return {n: self.nodes[n] for n, description in self.descriptions.items() if description.role == role}


def gather(grid: Grid, proposal: Proposal, policy: RoundPolicy, tell: events.Listener) -> Roster:
    """Ask every connected hospital to describe itself; one that cannot or may not take part is left out.

    Raises PneumofedError `duplicate-hospital` where two nodes bear one name, `no-hospitals` where none is
    left that trains.
    """
    nodes = connected(grid)
    descriptions: dict[str, SiteDescription] = {}
    left_out: dict[str, HospitalReply] = {}
    request = messages.describe_request(proposal)
    for answer in ask(grid, request, MessageType.QUERY, nodes, policy, group="describe", tell=tell):
        outcome = answer.outcome
        if answer.message is not None:
            try:
                description = messages.read_description(answer.message)
                admission.admit_description(description, proposal.study)
                descriptions[answer.hospital] = description
            except PneumofedError as error:
                outcome = outcome.model_copy(update={"status": "refused", "reason": error.code})
        if outcome.status != "returned":
            left_out[answer.hospital] = outcome
        tell(events.Replied("describe", answer.hospital, outcome))
    roster = Roster(nodes, dict(sorted(descriptions.items())), dict(sorted(left_out.items())))
    if not roster.training:
        reasons = ", ".join(f"{name}: {reply.reason}" for name, reply in roster.left_out.items())
        raise PneumofedError(
            "no-hospitals", f"no hospital can train ({reasons or 'none is connected'}); see each one's reason"
        )
    tell(events.Gathered(roster.hospitals, roster.left_out))
    return roster


def connected(grid: Grid) -> dict[str, int]:
    """Node id by the hospital's registered name."""
    nodes = list(grid.get_nodes())
    names = Counter(node.name for node in nodes)
    doubled = sorted(name for name, count in names.items() if count > 1)
    if doubled:
        raise PneumofedError(
            "duplicate-hospital",
            f"two nodes are registered as {doubled[0]!r}; give each hospital its own name",
        )
    return {node.name: node.node_id for node in sorted(nodes, key=lambda node: node.name)}
