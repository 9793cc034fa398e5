"""`/`: the studies in the order in which to read them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from client.reading_room.room import ReadingRoom
from deploy.pages.page_app import PageApp


def worklist_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """The routes of the worklist."""
    router = APIRouter()

    @router.get("/")
    def worklist(request: Request) -> Response:
        reader = request.state.reader
        return shared.page("worklist.html.j2", path="/", reader=reader, studies=room.studies.all().values())

    return router
