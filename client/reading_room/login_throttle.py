"""Slows down who guesses passwords: after failed logins the next one must wait, by name and in total."""

import threading
import time
from dataclasses import dataclass, field

from shared_model.errors import PneumofedError

FREE_BY_NAME, FREE_IN_TOTAL = 3, 20
"""Failures that cost no wait."""
LONGEST_S = 30.0
FORGOTTEN_S = 900.0
"""After so long without another failure, those before do not count."""
_MOST_NAMES = 1000


@dataclass
class _Failures:
    """count in a row; until: when the next try is looked at; both by the monotonic clock."""

    count: int = 0
    latest: float = 0.0
    until: float = 0.0

    def add(self, now: float, free: int) -> None:
        self.count = self.count + 1 if now < self.latest + FORGOTTEN_S else 1
        self.latest = now
        self.until = now + (min(LONGEST_S, 2.0 ** min(self.count - free, 9)) if self.count > free else 0.0)


@dataclass
class LoginThrottle:
    """Failed logins of one page."""

    _by_name: dict[str, _Failures] = field(default_factory=dict)
    _total: _Failures = field(default_factory=_Failures)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, name: str) -> None:
        """Raises PneumofedError `login-slowed` if `name` must wait; the password is then not looked at."""
        with self._lock:
            until = max(self._by_name.get(name, _Failures()).until, self._total.until)
        wait_s = until - time.monotonic()
        if wait_s > 0:
            raise PneumofedError(
                "login-slowed", f"too many failed logins; wait {wait_s:.0f} s, then try again"
            )

    def failed(self, name: str) -> None:
        """Count a failed login."""
        now = time.monotonic()
        with self._lock:
            if name not in self._by_name and len(self._by_name) >= _MOST_NAMES:
                del self._by_name[min(self._by_name, key=lambda one: self._by_name[one].latest)]
            self._by_name.setdefault(name, _Failures()).add(now, FREE_BY_NAME)
            self._total.add(now, FREE_IN_TOTAL)

    def succeeded(self, name: str) -> None:
        """Forget the failures of `name`; those in total go with time."""
        with self._lock:
            self._by_name.pop(name, None)
