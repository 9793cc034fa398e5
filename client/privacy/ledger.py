"""The privacy spent by all private training at this hospital: one line per round, never removed.

    STATE/privacy.jsonl, privacy.head    a chained log (client/records/chained_log.py) of charges
    STATE/audit.jsonl                    records number and hash of each of its lines

A line is on disk before training starts, so a crash can only overcharge. A ledger that lacks the line that
the audit log recorded last is an older copy, and is refused. Imports no torch. See docs/decisions/0091.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from client.records.audit import AuditLog
from client.records.chained_log import FIRST, ChainedLog, Entry
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive

SPENT_EVENT, NOTED_EVENT = "spent", "privacy spent"


@dataclass(frozen=True)
class Charge:
    """`steps` releases by the Gaussian mechanism, each on a Poisson sample of the patients.

    noise_multiplier: standard deviation of the noise over the clip norm; sample_rate: probability that a step
    samples a given patient.
    """

    noise_multiplier: float
    sample_rate: float
    steps: int


EpsilonOf = Callable[[Sequence[Charge]], float]
"""The epsilon of charges composed."""


class PrivacyLedger:
    """The ledger in a hospital's state folder; several processes may use it at once."""

    def __init__(self, state: Path) -> None:
        self._log, self._audit, self._lock = (
            ChainedLog(state, "privacy"),
            AuditLog(state),
            state / "privacy.lock",
        )

    def charges(self) -> list[Charge]:
        """All so far.

        Raises PneumofedError `privacy-damaged`, `privacy-older-copy`, `privacy-anchor-missing`,
        `audit-damaged`.
        """
        return [Charge(*charge) for entry in self._entries() for charge in entry.facts["charges"]]

    def epsilon(self) -> float:
        """Total epsilon, at the delta of the last study; 0 without charges. Raises as `charges`."""
        entries = self._entries()
        return float(entries[-1].facts["epsilon"]) if entries else 0.0

    def spend(
        self, charges: Sequence[Charge], *, total_epsilon: EpsilonOf, limit: float, **facts: Any
    ) -> float:
        """Record `charges` if the total epsilon stays within `limit`; returns that total.

        facts: recorded with them. Durable when this returns.

        Raises PneumofedError `privacy-budget-spent`, and as `charges`.
        """
        with exclusive(self._lock):
            epsilon = total_epsilon([*self.charges(), *charges])
            if not epsilon <= limit:
                raise PneumofedError(
                    "privacy-budget-spent",
                    f"this round would bring epsilon to {epsilon:.3g}, the study allows {limit:g} in all; "
                    "no more private training here unless people approve a study that allows more",
                )
            if not self._noted():  # so that from the first line on the audit log must know the ledger
                self._audit.write(NOTED_EVENT, line=0, ledger=FIRST, epsilon=0.0)
            written = [list(astuple(charge)) for charge in charges]
            entry = self._log.write(SPENT_EVENT, charges=written, epsilon=epsilon, limit=limit, **facts)
            self._audit.write(NOTED_EVENT, line=entry.number, ledger=entry.hash, epsilon=epsilon)
            return epsilon

    def _entries(self) -> list[Entry]:
        """All lines, which must include the one that the audit log recorded last."""
        # The audit log is read first, so that a line added in between cannot appear to be missing.
        noted = self._noted()
        entries = self._log.entries()
        if entries and not noted:
            raise PneumofedError(
                "privacy-anchor-missing",
                "the audit log notes no line of the privacy ledger: the log was moved away; bring it back",
            )
        if noted and not _holds(entries, noted[-1]["line"], noted[-1]["ledger"]):
            raise PneumofedError(
                "privacy-older-copy",
                f"the privacy ledger lacks line {noted[-1]['line']}, which the audit log noted: it is an "
                "older copy or another's; put the latest one back",
            )
        return entries

    def _noted(self) -> list[dict[str, Any]]:
        """What the audit log noted of the ledger's lines."""
        return [entry.facts for entry in self._audit.entries() if entry.event == NOTED_EVENT]


def _holds(entries: Sequence[Entry], number: int, digest: str) -> bool:
    return number == 0 or (len(entries) >= number and entries[number - 1].hash == digest)
