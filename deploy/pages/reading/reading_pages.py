"""The reading room's pages put together: login, navigation, and the routes of each part."""

from client.diagnosis.figure_text import NOT_FOR_PATIENTS, RESEARCH_ONLY
from client.reading_room.room import ReadingRoom
from deploy.pages.page_app import PageApp
from deploy.pages.reading.reader_login import ReaderLogin
from deploy.pages.reading.reading_routes import reading_routes
from deploy.pages.reading.worklist_routes import worklist_routes

NAVIGATION = (("/", "Worklist"),)
NOTICE = f"{RESEARCH_ONLY.capitalize()}. {NOT_FOR_PATIENTS}"


def reading_pages(room: ReadingRoom) -> PageApp:
    """The pages of the room; each module of routes offers one function of room and pages."""
    shared = PageApp(
        "deploy.pages.reading",
        login=ReaderLogin(room.accounts, 60 * room.settings.read.session_minutes),
        heading="reading room",
        navigation=NAVIGATION,
        notice=NOTICE,
        styles=("/static/reading/reading.css",),
        scripts=("/static/reading/session.js",),
    )
    for routes in (worklist_routes, reading_routes):
        shared.app.include_router(routes(room, shared))
    return shared
