"""Who may open a page: whoever logs in, from this machine's browser.

A login opens a session, of which the browser holds the cookie. A page is served to loopback names only, so
that another site's name that resolves to 127.0.0.1 reaches nothing, and a form is taken from the page's own
origin only.
"""

import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

_LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII)
SESSION_S = 12 * 3600.0
_MAX_SESSIONS = 200  # the oldest is dropped: its owner may log in again
_TOKEN_BYTES = 24


@dataclass(frozen=True)
class Visitor:
    """Who has logged in. stamp: changes when that with which they logged in does."""

    name: str
    stamp: str = ""


class Login(Protocol):
    """How people log in to a page.

    form: template of the form. address: path at which the page opens, told by the command. cookie: its name
    in the browser, which knows no ports. idle_s: seconds after which an unused session ends. basic: whether
    HTTP Basic does as well below API.
    """

    form: str
    address: str
    cookie: str
    idle_s: float
    basic: bool

    def visitor(self, fields: Mapping[str, str]) -> Visitor | None:
        """Who the fields of the form prove to be; None if nobody. Raises PneumofedError `login-slowed`."""

    def is_current(self, visitor: Visitor) -> bool:
        """Whether the visitor may still come."""


def new_token() -> str:
    """A token that nobody guesses, for one start of a page."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


class TokenLogin:
    """By the token that the command printed."""

    form, cookie, idle_s, basic = "login.html.j2", "pneumofed_session", SESSION_S, False

    def __init__(self, token: str) -> None:
        self._token = token
        self.address = f"/login?token={token}"

    def visitor(self, fields: Mapping[str, str]) -> Visitor | None:
        """Whoever has the token."""
        given = fields.get("token", "").strip()
        return Visitor("token") if hmac.compare_digest(given.encode(), self._token.encode()) else None

    def is_current(self, visitor: Visitor) -> bool:
        """The token is the page's as long as it runs."""
        return True


@dataclass(frozen=True)
class _Session:
    visitor: Visitor
    until: float
    used: float


@dataclass
class Sessions:
    """Open sessions of one page, in memory: they end with the process, after SESSION_S, or when not used."""

    login: Login
    _open: dict[str, _Session] = field(default_factory=dict)

    def open(self, visitor: Visitor, cookie: str | None = None) -> str:
        """A new session's cookie, which nobody guesses; `cookie` if there is such a secret already."""
        now = time.monotonic()
        self._open = {one: session for one, session in self._open.items() if self._lasts(session, now)}
        if len(self._open) >= _MAX_SESSIONS:
            del self._open[min(self._open, key=lambda one: self._open[one].until)]
        cookie = cookie or secrets.token_urlsafe(_TOKEN_BYTES)
        self._open[cookie] = _Session(visitor, now + SESSION_S, now)
        return cookie

    def visitor(self, cookie: str | None, *, use: bool = True) -> Visitor | None:
        """Whose session this is; None if it has ended. use: whether this keeps it from ending unused."""
        session, now = self._open.get(cookie or ""), time.monotonic()
        if cookie is None or session is None or not self._lasts(session, now):
            return None
        if not self.login.is_current(session.visitor):
            self.close(cookie)
            return None
        if use:
            self._open[cookie] = replace(session, used=now)
        return session.visitor

    def close(self, cookie: str | None) -> None:
        """End a session, if it is one."""
        self._open.pop(cookie or "", None)

    def _lasts(self, session: _Session, now: float) -> bool:
        return now < session.until and now < session.used + self.login.idle_s


def is_loopback_host(host: str | None) -> bool:
    """Whether a request's Host header names this machine itself."""
    return _LOOPBACK_HOST.fullmatch(host or "") is not None


def is_same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a form was sent from the page itself; browsers tell the origin of every POST."""
    return origin is not None and origin in (f"http://{host}", f"https://{host}")
