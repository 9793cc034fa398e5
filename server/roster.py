"""Which connected hospitals take part in a study, with their descriptions, and which are left out and why."""

import math
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from flwr.app import Message, MessageType
from flwr.serverapp import Grid

from server import admission, events, messages
from server.collect import Collector, Question
from server.dispatch import TRANSIENT_CODES, WAITED_CODES
from server.study_result import Hospital, HospitalOutcome, ordered
from shared_model.bundle import OTHER_PROTOCOL, other_protocol
from shared_model.envelope import question_of
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import PROTOCOL, Role, SiteDescription
from shared_model.quantity import quantity

NOT_APPROVED = ("study-not-approved", "study-changed")
"""Codes of a hospital whose people have yet to decide."""
AWAITED_CODES = (*NOT_APPROVED, *WAITED_CODES, *TRANSIENT_CODES)

_IN_WORDS = {
    "store-fingerprint": "its store was made with other preprocessing than the study's, {needed}: it "
    "installs the coordinator's version and prepares its scans again (its own log names both)",
    "store-version": "its store was made by another version: it prepares its scans again",
    "architecture-mismatch": "its version builds other networks: it installs the coordinator's version",
    "role-mismatch": "its hospital.toml gives it another role than federation.toml: correct one of them",
}
"""By a hospital's code: what is wrong, and what to do."""

ASK_AGAIN_S = 15.0
"""Between two requests for a description while a study waits."""
DESCRIBE_S = 120.0
"""How long the first one may take; the next one twice as long."""


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


@dataclass(frozen=True)
class Expected:
    """The federation's hospitals, by role: a study waits for those that may still take part."""

    training: frozenset[str]
    held_out: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        return self.training | self.held_out

    def check_role(self, name: str, role: Role) -> None:
        """Raises PneumofedError `role-mismatch` if the federation gives the hospital the other role."""
        others = self.held_out if role == "training" else self.training
        if name in others:
            raise PneumofedError("role-mismatch", f"{name} says {role}, the federation's settings do not")


def build_roster(collector: Collector, proposal: Proposal, expected: Expected | None = None) -> Roster:
    """Request a description from every connected hospital; one without an admissible reply is left out.

    With `expected` hospitals it waits: for all until a round's deadline, then for as many as the policy
    needs, however long they take. They are asked again, so that an approval is noticed.

    Raises PneumofedError `duplicate-hospital` if two nodes have the same name, `no-hospitals` if no training
    hospital takes part, `too-few-hospitals` if those that the policy needs do not, `study-stopped`.
    """
    gathering = _Gathering(collector, proposal, expected)
    gathering.ask(math.inf if expected is None else DESCRIBE_S)
    if expected is not None:
        gathering.wait()
    roster = gathering.roster()
    if expected is not None and (lacking := gathering.lacking()) is not None:
        raise PneumofedError("too-few-hospitals", f"{lacking}; correct this and run again")
    if not roster.training:
        raise PneumofedError(
            "no-hospitals",
            f"no hospital can train{gathering.why_none_trains() or ' (none is connected)'}; see each one's "
            "reason",
        )
    collector.on_event(events.RosterBuilt(roster.hospitals, roster.left_out))
    return roster


def propose(collector: Collector, proposal: Proposal, expected: Expected) -> None:
    """Show every connected hospital the proposal, once; who is still to decide is an event."""
    gathering = _Gathering(collector, proposal, expected)
    gathering.ask(DESCRIBE_S)
    collector.on_event(events.HospitalsAwaited(gathering.awaited()))


class _Gathering:
    """Descriptions so far, and the outcome of each hospital's last request."""

    def __init__(self, collector: Collector, proposal: Proposal, expected: Expected | None) -> None:
        self._collector, self._proposal = collector, proposal
        self._expected = expected or Expected(frozenset())
        self._nodes: dict[str, int] = {}
        self._descriptions: dict[str, SiteDescription] = {}
        self._outcomes: dict[str, HospitalOutcome] = {}
        self._began = time.monotonic()
        policy = collector.policy
        if expected is not None:  # asked again here, not one by one
            policy = replace(policy, retries=0, retry_after_s=math.inf)
        self._policy = policy

    def ask(self, seconds: float) -> None:
        """Ask each connected hospital that may still take part; each has `seconds` to answer."""
        connected = connected_nodes(self._collector.grid)
        self._nodes |= connected
        asked = {name: node for name, node in connected.items() if self._may_take_part(name)}
        policy = replace(self._policy, deadline_s=min(self._policy.deadline_s, seconds))
        request, name = messages.describe_request(self._proposal), question_of(self._proposal.fingerprint)
        question = Question("describe", MessageType.QUERY, "describe", request, name)
        outcomes = self._collector.with_policy(policy).collect(question, asked, self._use)
        self._outcomes |= {
            name: _in_words(outcome, self._proposal.study.preprocessing) for name, outcome in outcomes.items()
        }
        absent = HospitalOutcome(status="absent", reason="not-connected")
        self._outcomes |= {
            name: absent for name in self._expected.names - connected.keys() if self._may_take_part(name)
        }

    def _use(self, hospital: str, reply: Message) -> dict[str, Any]:
        description = messages.read_description(reply)
        versions = {**messages.read_node_versions(reply), **description.versions}
        admission.admit_description(description, self._proposal.study)
        self._expected.check_role(hospital, description.role)
        self._descriptions[hospital] = description
        self._collector.on_event(events.HospitalDescribed(hospital, versions))
        return {}

    def wait(self) -> None:
        """Ask again until nobody is waited for, or enough take part and a round's deadline has passed."""
        patience_s = DESCRIBE_S
        while awaited := self.awaited():
            left_s = self._collector.policy.deadline_s - (time.monotonic() - self._began)
            enough = self.lacking() is None
            if not self._can_begin() or (enough and left_s <= 0):
                return
            begins = time.time() + left_s if enough and math.isfinite(left_s) else None
            self._collector.on_event(events.HospitalsAwaited(awaited, begins))
            self._pause()
            self.ask(patience_s)
            patience_s *= 2  # a hospital whose description takes long is not asked for ever

    def awaited(self) -> dict[str, str]:
        """Hospitals that may still take part, with the code of why they do not yet."""
        names = self._expected.names | self._nodes.keys()
        return {
            name: self._outcomes[name].reason or self._outcomes[name].status
            for name in sorted(names - self._descriptions.keys())
            if self._may_take_part(name)
        }

    def lacking(self) -> str | None:
        """What the policy needs and those that take part do not give, in words; None if nothing lacks.

        First what not even those that may still take part could give.
        """
        return self._lacking(self._possible()) or self._lacking(self._training())

    def why_none_trains(self) -> str:
        """The reason of each hospital that should train, in parentheses; "" if there is none."""
        return self._because(self._left_out_or_quarantined() - self._expected.held_out)

    def roster(self) -> Roster:
        return Roster(self._nodes, dict(sorted(self._descriptions.items())), self._left_out())

    def _can_begin(self) -> bool:
        """Whether the policy's needs are met once all take part that may."""
        return self._lacking(self._possible()) is None

    def _possible(self) -> frozenset[str]:
        """Hospitals that take part or still may."""
        return self._training() | (self._expected.names & self.awaited().keys())

    def _lacking(self, names: frozenset[str]) -> str | None:
        policy = self._collector.policy
        required = policy.required - names - self._expected.held_out
        required |= (policy.required & self._expected.held_out) - names - self._descriptions.keys()
        if required:
            return f"{' and '.join(sorted(required))} must take part and cannot{self._because(required)}"
        training = names - self._expected.held_out
        if len(training) < policy.quorum:
            others = self._left_out_or_quarantined() - training - self._expected.held_out
            needed = quantity(policy.quorum, "hospital")
            return f"{needed} must train, {len(training)} can{self._because(others)}"
        return None

    def _training(self) -> frozenset[str]:
        """Hospitals that take part and whose updates would be used."""
        return frozenset(
            name
            for name, description in self._descriptions.items()
            if description.role == "training" and not self._quarantined(name)
        )

    def _may_take_part(self, name: str) -> bool:
        """Whether a hospital has not described itself and may still: asking it again makes sense."""
        outcome = self._outcomes.get(name)
        if name in self._descriptions:
            return False
        return outcome is None or outcome.status in ("absent", "late") or outcome.reason in AWAITED_CODES

    def _left_out(self) -> dict[str, HospitalOutcome]:
        return {
            name: outcome
            for name, outcome in sorted(self._outcomes.items())
            if outcome.status != "returned" and name not in self._descriptions
        }

    def _left_out_or_quarantined(self) -> frozenset[str]:
        quarantined = {name for name in self._descriptions if self._quarantined(name)}
        return frozenset(self._left_out()) | quarantined

    def _because(self, names: Collection[str]) -> str:
        """The reasons of those of `names` that are left out or quarantined, in parentheses; "" if none is."""
        left_out = self._left_out()
        why = {name: one.detail or one.reason or one.status for name, one in left_out.items()}
        why |= {name: "quarantined" for name in self._descriptions if self._quarantined(name)}
        told = [f"{name}: {why[name]}" for name in sorted(names) if name in why]
        return f" ({', '.join(told)})" if told else ""

    def _quarantined(self, name: str) -> bool:
        return self._collector.standings.of(name).quarantined is not None

    def _pause(self) -> None:
        end = time.monotonic() + ASK_AGAIN_S
        while time.monotonic() < end:
            self._collector.stop.check_between_rounds()
            time.sleep(min(1.0, ASK_AGAIN_S))


def _in_words(outcome: HospitalOutcome, needed: str) -> HospitalOutcome:
    """With its detail if its code says that versions or roles do not fit together.

    needed: fingerprint of the study's preprocessing.
    """
    if outcome.status not in ("failed", "refused") or outcome.reason is None:
        return outcome
    detail = _IN_WORDS.get(outcome.reason, "").format(needed=needed)
    number = outcome.reason.removeprefix(OTHER_PROTOCOL)
    if number != outcome.reason and number.isdecimal():
        detail = other_protocol(int(number), PROTOCOL)
    return outcome.model_copy(update={"detail": detail or None})


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
