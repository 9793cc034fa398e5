"""Stands before every page: login, the page's own origin, and strict headers."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.pages.access import Sessions, Visitor, is_loopback_host, is_same_origin
from shared_model.errors import PneumofedError

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with "no-referrer" browsers do not tell where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
API = "/api/"
"""Below this path programs ask: by HTTP Basic if the login permits it, errors as JSON."""
_OPEN_PATHS = ("/login", "/static/")
_HARMLESS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware of a page with `sessions`. Who asks is `request.state.reader`, a name.

    It looks at the path that is routed: a request's URL is put together with its Host header.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions
        self._key = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = await self._refusal(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)

    async def _refusal(self, request: Request) -> Response | None:
        """The answer to a request that is not permitted; None for one that is."""
        host, path = request.headers.get("host"), request.scope["path"]
        if not is_loopback_host(host):
            return _refused(
                request, 421, "wrong-host", "open this page by the address that the command printed"
            )
        basic = self._sessions.login.basic and path.startswith(API) and "authorization" in request.headers
        if not _is_own(request, basic=basic):
            return _refused(request, 403, "other-origin", "this form was not sent from the page itself")
        try:
            visitor = await self._by_password(request) if basic else self._by_cookie(request)
        except PneumofedError as slowed:
            return _refused(request, 429, slowed.code, str(slowed))
        if visitor is not None:
            request.scope.setdefault("state", {})["reader"] = visitor.name
            return None
        if path.startswith(_OPEN_PATHS):
            return None
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        words = "name or password is wrong" if basic else "log in first"
        refused = _refused(request, 401, "log-in", words)
        if self._sessions.login.basic and path.startswith(API):
            refused.headers["WWW-Authenticate"] = 'Basic realm="pneumofed"'
        return refused

    def _by_cookie(self, request: Request) -> Visitor | None:
        return self._sessions.visitor(request.cookies.get(self._sessions.login.cookie))

    async def _by_password(self, request: Request) -> Visitor | None:
        """By HTTP Basic. A password takes long to check; its keyed hash is the cookie of a session."""
        given = request.headers["authorization"]
        cookie = hmac.new(self._key, given.encode(), hashlib.sha256).hexdigest()
        known = self._sessions.visitor(cookie)
        if known is None:
            known = await asyncio.to_thread(self._sessions.login.visitor, _basic_fields(given))
            if known is not None:
                self._sessions.open(known, cookie)
        return known


def _refused(request: Request, status_code: int, code: str, words: str) -> Response:
    if request.scope["path"].startswith(API):
        return JSONResponse({"code": code, "problem": words}, status_code)
    return HTMLResponse(words, status_code)


def _is_own(request: Request, *, basic: bool) -> bool:
    """Whether a request that changes something comes from the page, or from a program that is no browser."""
    origin, harmless = request.headers.get("origin"), request.method in _HARMLESS
    if origin is None:
        return basic or harmless
    elsewhere = harmless and not request.scope["path"].startswith(API)
    return elsewhere or is_same_origin(origin, request.headers.get("host"))


def _basic_fields(header: str) -> dict[str, str]:
    """Name and password of HTTP Basic (RFC 7617), as fields of the form."""
    scheme, _, encoded = header.partition(" ")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return {}
    return {"name": name, "password": password} if scheme.lower() == "basic" else {}
