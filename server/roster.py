"""Which connected hospitals take part in a study, with their descriptions, and which are left out and why."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from flwr.app import Message, MessageType
from flwr.serverapp import Grid

from server import admission, events, messages
from server.collect import Collector, Question
from server.study_result import Hospital, HospitalOutcome, ordered
from shared_model.envelope import question_of
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import SiteDescription


@dataclass(frozen=True)
class Roster:
    """By name: Flower's node ids, descriptions of hospitals that take part, and why others are left out."""

    nodes: dict[str, int]
    descriptions: dict[str, SiteDescription]
    left_out: dict[str, HospitalOutcome]

    @property
    def training(self) -> dict[str, int]:
        return self._of_role("training")

    @property
    def held_out(self) -> dict[str, int]:
        return self._of_role("held-out")

    @property
    def hospitals(self) -> tuple[Hospital, ...]:
        """The hospitals that take part: training ones first, then by name."""
        return ordered(Hospital.described(name, one) for name, one in self.descriptions.items())

    def _of_role(self, role: str) -> dict[str, int]:
        return {n: self.nodes[n] for n, description in self.descriptions.items() if description.role == role}


def build_roster(collector: Collector, proposal: Proposal) -> Roster:
    """Request a description from every connected hospital; one without an admissible reply is left out.

    Raises PneumofedError `duplicate-hospital` if two nodes have the same name, `no-hospitals` if no training
    hospital takes part.
    """
    nodes = connected_nodes(collector.grid)
    descriptions: dict[str, SiteDescription] = {}

    def use(hospital: str, reply: Message) -> dict[str, Any]:
        description = messages.read_description(reply)
        admission.admit_description(description, proposal.study)
        descriptions[hospital] = description
        return {}

    request, name = messages.describe_request(proposal), question_of(proposal.fingerprint)
    question = Question("describe", MessageType.QUERY, "describe", request, name)
    outcomes = collector.collect(question, nodes, use)
    left_out = {name: outcome for name, outcome in outcomes.items() if outcome.status != "returned"}
    roster = Roster(nodes, dict(sorted(descriptions.items())), left_out)
    if not roster.training:
        reasons = ", ".join(f"{name}: {reply.reason}" for name, reply in roster.left_out.items())
        raise PneumofedError(
            "no-hospitals", f"no hospital can train ({reasons or 'none is connected'}); see each one's reason"
        )
    collector.on_event(events.RosterBuilt(roster.hospitals, roster.left_out))
    return roster


def connected_nodes(grid: Grid) -> dict[str, int]:
    """Node ids by the hospitals' registered names.

    Raises PneumofedError `duplicate-hospital` if two nodes have the same name.
    """
    nodes = list(grid.get_nodes())
    names = Counter(node.name for node in nodes)
    duplicates = sorted(name for name, count in names.items() if count > 1)
    if duplicates:
        raise PneumofedError(
            "duplicate-hospital",
            f"two nodes are registered as {duplicates[0]!r}; give each hospital its own name",
        )
    return {node.name: node.node_id for node in sorted(nodes, key=lambda node: node.name)}
