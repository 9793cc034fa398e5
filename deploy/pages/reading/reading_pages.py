"""The reading room's pages put together: login, navigation, and the routes of each part."""

import logging
from functools import partial

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from client.diagnosis.figure_text import NOT_FOR_PATIENTS, RESEARCH_ONLY
from client.reading_room.room import ReadingRoom
from deploy.pages.guard import API, HEADERS
from deploy.pages.page_app import PageApp
from deploy.pages.reading.agreement_routes import agreement_routes
from deploy.pages.reading.api import api_routes
from deploy.pages.reading.reader_login import ReaderLogin
from deploy.pages.reading.reading_routes import reading_routes
from deploy.pages.reading.scan_routes import scan_routes
from deploy.pages.reading.upload_routes import upload_routes
from deploy.pages.reading.worklist_routes import worklist_routes

log = logging.getLogger("pneumofed")

NAVIGATION = (("/", "Worklist"), ("/uploads", "Uploads"), ("/agreement", "Agreement"))
NOTICE = f"{RESEARCH_ONLY.capitalize()}. {NOT_FOR_PATIENTS}"


def reading_pages(room: ReadingRoom) -> PageApp:
    """The pages of the room; each module of routes offers one function of room and pages.

    All studies are looked at once, before anybody waits for it.
    """
    room.studies.all()
    shared = PageApp(
        "deploy.pages.reading",
        login=ReaderLogin(room.accounts, 60 * room.settings.read.session_minutes),
        heading="reading room",
        navigation=NAVIGATION,
        notice=NOTICE,
        styles=("/static/reading/reading.css",),
        scripts=("/static/reading/session.js",),
    )
    parts = (worklist_routes, scan_routes, reading_routes, agreement_routes, upload_routes, api_routes)
    for routes in parts:
        shared.app.include_router(routes(room, shared))
    shared.app.exception_handler(Exception)(partial(_failed, shared))
    return shared


def _failed(shared: PageApp, request: Request, error: Exception) -> Response:
    """What is not foreseen is logged without its text, which may quote a header, and told as little."""
    log.error("a page failed", exc_info=error)
    told = "this page failed; the log of `hospital read` says where: tell the hospital's IT"
    if request.scope["path"].startswith(API):
        return JSONResponse({"code": "page-failed", "problem": told}, 500, HEADERS)
    answer = shared.page("refused.html.j2", path="", status_code=500, error=told)
    answer.headers.update(HEADERS)  # it does not pass the guard
    return answer
