"""What all pages share: login, headers, files, templates."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.staticfiles import StaticFiles

from deploy.pages.access import SESSION_S, Login, Sessions, TokenLogin
from deploy.pages.form import form_of
from deploy.pages.guard import API, Guard
from deploy.pages.live import LiveParts
from shared_model.errors import PneumofedError


class PageApp:
    """An application with login. `add` routes to `app`, render templates of `package` with `page`.

    heading: what the page is of, shown at its top; navigation: (path, words) of its main pages. notice:
    stands on every page, the login too; styles, scripts: paths of those of every page. `ending` is set when
    the server ends, so that streams end. `status`: of HTTP, of an error by its code; of all others 409. Files
    of PACKAGE/static are at /static/PACKAGE/, by the package's last name.
    """

    def __init__(
        self,
        package: str,
        *,
        login: Login,
        heading: str,
        navigation: Sequence[tuple[str, str]],
        notice: str = "",
        styles: Sequence[str] = (),
        scripts: Sequence[str] = (),
    ) -> None:
        self.login, self.sessions, self.ending = login, Sessions(login), threading.Event()
        self.status = {"not-found": 404, "blinded": 403}
        self.app = FastAPI(title=heading, docs_url=None, redoc_url=None, openapi_url=None)
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("deploy.pages")]),
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters["code"] = with_code
        self._templates.globals.update(
            heading=heading, navigation=navigation, notice=notice, styles=styles, scripts=scripts
        )
        self._serve_files(package, f"/static/{package.rpartition('.')[2]}")
        self._serve_files("deploy.pages", "/static")
        self.app.add_middleware(Guard, sessions=self.sessions)
        self.app.add_api_route("/login", self._login_page, methods=["GET"])
        self.app.add_api_route("/login", self._login, methods=["POST"])
        self.app.add_api_route("/logout", self._logout, methods=["POST"])
        self.app.exception_handler(PneumofedError)(self._refused)

    def _serve_files(self, package: str, path: str) -> None:
        folder = resources.files(package).joinpath("static")
        if folder.is_dir():
            self.app.mount(path, StaticFiles(directory=str(folder)), name=path)

    def part(self, template: str, **values: Any) -> str:
        """A part of a page as HTML; all text in `values` is escaped."""
        return self._templates.get_template(template).render(**values)

    def page(
        self, template: str, *, path: str, status_code: int = 200, reader: str = "", **values: Any
    ) -> HTMLResponse:
        """A whole page; `path` is marked in the navigation. reader: whose name it shows beside "Log out"."""
        return HTMLResponse(self.part(template, path=path, reader=reader, **values), status_code)

    def stream(self, path: str, parts: LiveParts) -> None:
        """Serve the live `parts` at `path`, until the server ends."""

        async def events(request: Request) -> Response:
            return self.events(request, parts)

        self.app.add_api_route(path, events, methods=["GET"])

    def events(self, request: Request, parts: LiveParts) -> Response:
        """The live `parts` for whoever asks, until the server or their session ends."""
        return StreamingResponse(self._while_logged_in(request, parts), media_type="text/event-stream")

    async def _while_logged_in(self, request: Request, parts: LiveParts) -> AsyncIterator[bytes]:
        cookie = request.cookies.get(self.login.cookie)
        async for event in parts.events(self.ending):
            if self.sessions.visitor(cookie, use=False) is None:
                return
            yield event

    async def _refused(self, request: Request, error: Any) -> Response:
        """What a command would print: what, where, remedy."""
        status_code = self.status.get(error.code, 409)
        if request.scope["path"].startswith(API):
            return JSONResponse({"code": error.code, "problem": str(error)}, status_code)
        return self.page("refused.html.j2", path="", status_code=status_code, error=str(error))

    async def _login_page(self, token: str | None = None) -> Response:
        """The form; with the token of the address that the command printed, straight in."""
        if token and isinstance(self.login, TokenLogin):
            return await self._opened({"token": token})
        return self._login_form()

    def _login_form(self, status_code: int = 200, problem: str = "") -> Response:
        return self.page(self.login.form, path="/login", status_code=status_code, problem=problem)

    async def _login(self, request: Request) -> Response:
        return await self._opened(await form_of(request))

    async def _opened(self, fields: Mapping[str, str]) -> Response:
        try:
            visitor = await asyncio.to_thread(self.login.visitor, fields)
        except PneumofedError as slowed:
            return self._login_form(429, str(slowed))
        if visitor is None:
            return self._login_form(403, "wrong")
        response = RedirectResponse("/", 303)
        cookie = self.sessions.open(visitor)
        response.set_cookie(
            self.login.cookie, cookie, max_age=int(SESSION_S), httponly=True, samesite="strict"
        )
        return response

    async def _logout(self, request: Request) -> Response:
        self.sessions.close(request.cookies.get(self.login.cookie))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self.login.cookie)
        return response


def with_code(text: str) -> Markup:
    """`text` escaped, with what stands in backticks as code, as our messages write commands."""
    parts = str(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
