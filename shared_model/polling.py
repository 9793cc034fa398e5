"""How often to ask for what comes at a time that nobody knows."""

import time
from dataclasses import dataclass, field

SHARE = 0.1
"""A pause is at most this share of the time waited so far, but for the bounds: so what comes is noticed at
most a tenth later than it could be, and a wait of any length costs few questions."""


@dataclass
class Pauses:
    """Pauses between questions, in seconds: short after something came, then longer."""

    shortest_s: float
    longest_s: float
    _since: float = field(default_factory=lambda: time.monotonic(), init=False)

    def restart(self) -> None:
        """Something came: the pauses are short again."""
        self._since = time.monotonic()

    def next_s(self) -> float:
        """The pause before the next question."""
        waited_s = time.monotonic() - self._since
        return min(max(SHARE * waited_s, self.shortest_s), self.longest_s)
