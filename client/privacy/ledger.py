"""What all private training at this hospital ever told of a patient: one line a round, never taken back.

    STATE/privacy.jsonl, privacy.head    a chained log (client/records/chained_log.py) of what was spent
    STATE/audit.jsonl                    notes number and hash of each of its lines

A line is on disk before training starts, so a crash can only charge for what was never sent. A ledger that
lacks the line noted last is an older copy, and is refused. Imports no torch. See docs/decisions/0091.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from client.records.audit import AuditLog
from client.records.chained_log import ChainedLog, Entry
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive

SPENT, NOTED = "spent", "privacy spent"


@dataclass(frozen=True)
class Charge:
    """`steps` times the Gaussian mechanism on a Poisson sample of the patients.

    noise_multiplier: deviation of the noise over the most that one patient can change; sample_rate: the
    probability that a step sees a patient.
    """

    noise_multiplier: float
    sample_rate: float
    steps: int


Price = Callable[[Sequence[Charge]], float]
"""The epsilon of charges together."""


class PrivacyLedger:
    """The ledger in a hospital's state folder; safe from several processes."""

    def __init__(self, state: Path) -> None:
        self._log, self._audit, self._lock = (
            ChainedLog(state, "privacy"),
            AuditLog(state),
            state / "privacy.lock",
        )

    def charges(self) -> list[Charge]:
        """All so far. Raises PneumofedError `privacy-damaged`, `privacy-older-copy`, `audit-damaged`."""
        return [Charge(*charge) for entry in self._entries() for charge in entry.facts["charges"]]

    def epsilon(self) -> float:
        """What was spent in all, at the last study's delta; 0 before the first. Raises as `charges`."""
        entries = self._entries()
        return float(entries[-1].facts["epsilon"]) if entries else 0.0

    def spend(self, charges: Sequence[Charge], *, price: Price, limit: float, **facts: Any) -> float:
        """Write `charges` down if all charges ever cost at most `limit`; what they cost now.

        Durable when this returns. Raises PneumofedError `privacy-budget-spent`, and as `charges`.
        """
        with exclusive(self._lock):
            epsilon = price([*self.charges(), *charges])
            if not epsilon <= limit:
                raise PneumofedError(
                    "privacy-budget-spent",
                    f"this round would bring epsilon to {epsilon:.3g}, the study allows {limit:g} in all; "
                    "no more private training here unless people approve a study that allows more",
                )
            written = [list(astuple(charge)) for charge in charges]
            entry = self._log.write(SPENT, charges=written, epsilon=epsilon, limit=limit, **facts)
            self._audit.write(NOTED, line=entry.number, ledger=entry.hash, epsilon=epsilon)
            return epsilon

    def _entries(self) -> list[Entry]:
        """The lines, which must hold the one that the audit log noted last."""
        # In this order: a line that another process adds in between is in the ledger and not noted yet.
        noted = [entry.facts for entry in self._audit.entries() if entry.event == NOTED]
        entries = self._log.entries()
        if noted and not _holds(entries, noted[-1]["line"], noted[-1]["ledger"]):
            raise PneumofedError(
                "privacy-older-copy",
                f"the privacy ledger lacks line {noted[-1]['line']}, which the audit log noted: it is an "
                "older copy or another's; put the latest one back",
            )
        return entries


def _holds(entries: Sequence[Entry], number: int, digest: str) -> bool:
    return len(entries) >= number and entries[number - 1].hash == digest
