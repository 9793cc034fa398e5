"""`/`: the studies in the order in which to read them, and what waits for its diagnosis; both live."""

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from client.diagnosis.figure_text import format_percent
from client.pacs.queue_progress import read_progress
from client.reading_room.reading_list import ListFilter, ListRow, ReadingList, flags_of
from client.reading_room.room import ReadingRoom
from client.reading_room.studies import RoomStudy
from deploy.pages.live import LiveParts, Parts
from deploy.pages.page_app import PageApp
from deploy.pages.reading.clock import local_time
from deploy.pages.reading.step_words import step_words
from shared_model.constants import LABEL_WORDS

PAGE_ROWS = 50
"""Rows of a page: of each the header of one DICOM file is read."""
PRIORITY_WORDS = {1: "called diseased", 2: "doubtful", 4: "called healthy"}
_NOT_DIAGNOSED = ("failed", "diagnosing", "waiting", "arriving")
_STATE_WORDS = {
    "failed": "not diagnosed, read it without the model",
    "diagnosing": "being diagnosed",
    "waiting": "waits for its diagnosis",
    "arriving": "images are arriving",
}


def worklist_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """The routes of the worklist."""
    router, worklist = APIRouter(), _Worklist(room, shared)

    @router.get("/")
    def page(request: Request) -> Response:
        return worklist.page(request)

    @router.get("/live")
    async def live(request: Request) -> Response:
        reader, wanted, number = request.state.reader, _filter_of(request), _number_of(request)
        parts = LiveParts(
            lambda: (room.mark(reader), read_progress(room.settings.results)),
            lambda: worklist.parts(room.reading_list(reader), wanted, number),
        )
        return shared.events(request, parts)

    @router.get("/next")
    def next_unread(request: Request) -> Response:
        """The first scan of the list that the reader has not read."""
        rows = room.reading_list(request.state.reader).rows
        name = next((row.study.name for row in rows if row.reading is None), None)
        return RedirectResponse("/" if name is None else f"/scans/{name}", 303)

    return router


class _Worklist:
    def __init__(self, room: ReadingRoom, shared: PageApp) -> None:
        self._room, self._shared = room, shared

    def page(self, request: Request) -> Response:
        """The whole page, filtered as the request's query says."""
        reader, wanted = request.state.reader, _filter_of(request)
        listed = self._room.reading_list(reader)
        flags = {*flags_of(listed.rows), wanted.flag} - {""}
        return self._shared.page(
            "worklist.html.j2",
            path="/",
            reader=reader,
            parts=self.parts(listed, wanted, _number_of(request)),
            wanted=wanted,
            flag_words=[(flag, flag.replace("-", " ")) for flag in sorted(flags)],
            label_words=LABEL_WORDS,
            live=f"/live?{request.url.query}",
            blinded=self._room.blinded,
        )

    def parts(self, listed: ReadingList, wanted: ListFilter, number: int) -> Parts:
        """The live parts: the list, and what is not diagnosed."""
        found = [row for row in listed.rows if wanted.matches(row)]
        pages = max(1, -(-len(found) // PAGE_ROWS))
        number = min(number, pages)
        values: dict[str, Any] = {
            "rows": [_cells(row) for row in found[PAGE_ROWS * (number - 1) : PAGE_ROWS * number]],
            "found": len(found),
            "total": len(listed.rows),
            "unread": sum(row.reading is None for row in listed.rows),
            "number": number,
            "pages": pages,
            "query": urlencode({name: value for name, value in asdict(wanted).items() if value}),
            "label_words": LABEL_WORDS,
            "priority_words": PRIORITY_WORDS,
            "percent": format_percent,
            "clock": local_time,
        }
        waiting = {
            "groups": _groups(listed.undiagnosed),
            "words": _STATE_WORDS,
            "clock": local_time,
            "progress": read_progress(self._room.settings.results),
            "step_words": step_words,
        }
        return {
            "waiting": self._shared.part("part_waiting.html.j2", **waiting),
            "list": self._shared.part("part_list.html.j2", **values),
        }


def _cells(row: ListRow) -> dict[str, Any]:
    return {"row": row, "patient": row.study.patient()}


def _groups(studies: list[RoomStudy]) -> list[dict[str, Any]]:
    """Failed studies first, then as they will be diagnosed; the first PAGE_ROWS of each state in full."""
    groups = []
    for state in _NOT_DIAGNOSED:
        of_state = [one for one in studies if one.state == state]
        shown = [(one, one.patient()) for one in of_state[:PAGE_ROWS]]
        groups.append({"state": state, "count": len(of_state), "shown": shown})
    return groups


def _filter_of(request: Request) -> ListFilter:
    query = request.query_params
    return ListFilter(**{name: query.get(name, "")[:64] for name in asdict(ListFilter())})


def _number_of(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 6 else 1
