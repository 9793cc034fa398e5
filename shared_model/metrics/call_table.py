"""The three-class table: how many scans of each true label were called what (2.6)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared_model.constants import LABELS
from shared_model.metrics.score_histogram import is_count


@dataclass(frozen=True)
class CallTable:
    """counts[true label][called label]: scans; a label that is not disclosed has no row.

    It depends on both networks' scores of each scan together, so no two histograms give it.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, label: str, called: Iterable[str]) -> "CallTable":
        """The row of scans of one true `label` that were `called` so."""
        scans = Counter(called)
        return cls({label: {verdict: scans[verdict] for verdict in LABELS}})

    def merge(self, other: "CallTable") -> "CallTable":
        """The scans of both."""
        return CallTable(
            {
                label: {called: self.count(label, called) + other.count(label, called) for called in LABELS}
                for label in LABELS
                if label in self.counts or label in other.counts
            }
        )

    def count(self, label: str, called: str) -> int:
        return self.counts.get(label, {}).get(called, 0)

    def total(self, label: str) -> int:
        """The scans of one true label."""
        return sum(self.counts.get(label, {}).values())

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "CallTable":
        """The table of `counts`; raises ValueError for labels or counts that cannot be."""
        if not set(document) <= set(LABELS):
            raise ValueError("a table of calls has rows " + ", ".join(LABELS))
        for row in document.values():
            if set(row) != set(LABELS) or not all(is_count(scans) for scans in row.values()):
                raise ValueError("a row of calls has a count for each of " + ", ".join(LABELS))
        return cls({label: dict(row) for label, row in document.items()})
