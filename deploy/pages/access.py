"""Who may open a page: whoever knows the token that the command printed, from this machine's browser.

The token is exchanged for a session cookie. A page is served to loopback names only, so that another site's
name that resolves to 127.0.0.1 reaches nothing, and a form is taken from the page's own origin only.
"""

import hmac
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
COOKIE = "pneumofed_session"
SESSION_S = 12 * 3600.0
_MAX_SESSIONS = 200  # the oldest is dropped: whoever has the token may log in again
_TOKEN_BYTES = 24


def new_token() -> str:
    """A token that nobody guesses, for one start of a page."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass
class Sessions:
    """Open sessions of one page, in memory: they end with the process, or after SESSION_S."""

    token: str
    _until: dict[str, float] = field(default_factory=dict)

    def open(self, token: str) -> str | None:
        """A new session's cookie if `token` is the page's; None if it is not."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        now = time.monotonic()
        self._until = {cookie: until for cookie, until in self._until.items() if until > now}
        if len(self._until) >= _MAX_SESSIONS:
            del self._until[min(self._until, key=self._until.__getitem__)]
        cookie = secrets.token_urlsafe(_TOKEN_BYTES)
        self._until[cookie] = now + SESSION_S
        return cookie

    def is_open(self, cookie: str | None) -> bool:
        """Whether the cookie is of a session that has not ended."""
        return cookie is not None and self._until.get(cookie, 0.0) > time.monotonic()

    def close(self, cookie: str | None) -> None:
        """End a session, if it is one."""
        self._until.pop(cookie or "", None)


def is_loopback_host(host: str | None) -> bool:
    """Whether a request's Host header names this machine itself."""
    name = (host or "").rpartition(":")[0] if not (host or "").endswith("]") and ":" in (host or "") else host
    return name in LOOPBACK_NAMES


def is_same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a form was sent from the page itself; browsers tell the origin of every POST."""
    return origin is not None and urlsplit(origin).netloc == host
