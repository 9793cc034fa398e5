"""What all pages share: login, headers, files, templates."""

import threading
from collections.abc import Sequence
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.staticfiles import StaticFiles

from deploy.pages.access import COOKIE, SESSION_S, Sessions
from deploy.pages.form import form_of
from deploy.pages.guard import Guard
from deploy.pages.live import LiveParts
from shared_model.errors import PneumofedError


class PageApp:
    """An application with login. `add` routes to `app`, render templates of `package` with `page`.

    heading: what the page is of, shown at its top; navigation: (path, words) of its main pages. `ending` is
    set when the server ends, so that streams end.
    """

    def __init__(
        self, package: str, *, token: str, heading: str, navigation: Sequence[tuple[str, str]]
    ) -> None:
        self.sessions, self.ending = Sessions(token), threading.Event()
        self.app = FastAPI(title=heading, docs_url=None, redoc_url=None, openapi_url=None)
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("deploy.pages")]),
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters["code"] = with_code
        self._templates.globals.update(heading=heading, navigation=tuple(navigation))
        static = resources.files("deploy.pages").joinpath("static")
        self.app.mount("/static", StaticFiles(directory=str(static)), name="static")
        self.app.add_middleware(Guard, sessions=self.sessions)
        self.app.add_api_route("/login", self._login_page, methods=["GET"])
        self.app.add_api_route("/login", self._login, methods=["POST"])
        self.app.add_api_route("/logout", self._logout, methods=["POST"])
        self.app.exception_handler(PneumofedError)(self._refused)

    def part(self, template: str, **values: Any) -> str:
        """A part of a page as HTML; all text in `values` is escaped."""
        return self._templates.get_template(template).render(**values)

    def page(self, template: str, *, path: str, status_code: int = 200, **values: Any) -> HTMLResponse:
        """A whole page; `path` is marked in the navigation."""
        return HTMLResponse(self.part(template, path=path, **values), status_code)

    def stream(self, path: str, parts: LiveParts) -> None:
        """Serve the live `parts` at `path`, until the server ends."""

        async def events() -> Response:
            return StreamingResponse(parts.events(self.ending), media_type="text/event-stream")

        self.app.add_api_route(path, events, methods=["GET"])

    async def _refused(self, request: Request, error: Any) -> Response:
        """What a command would print: what, where, remedy."""
        return self.page(
            "refused.html.j2",
            path="",
            status_code=404 if error.code == "not-found" else 409,
            error=str(error),
        )

    async def _login_page(self, token: str | None = None) -> Response:
        """The form; with the token of the address that the command printed, straight in."""
        return self._opened(token) if token else self.page("login.html.j2", path="/login", wrong=False)

    async def _login(self, request: Request) -> Response:
        return self._opened((await form_of(request)).get("token", ""))

    def _opened(self, token: str) -> Response:
        cookie = self.sessions.open(token.strip())
        if cookie is None:
            return self.page("login.html.j2", path="/login", status_code=403, wrong=True)
        response = RedirectResponse("/", 303)
        response.set_cookie(COOKIE, cookie, max_age=int(SESSION_S), httponly=True, samesite="strict")
        return response

    async def _logout(self, request: Request) -> Response:
        self.sessions.close(request.cookies.get(COOKIE))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE)
        return response


def with_code(text: str) -> Markup:
    """`text` escaped, with what stands in backticks as code, as our messages write commands."""
    parts = str(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
