"""What a reader says of a scan: the answer before the model is shown, then whether they agree."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from client.reading_room.reading_log import CONFIDENCE_WORDS, LONGEST_COMMENT, Answer
from client.reading_room.room import ReadingRoom
from client.reading_room.studies import RoomStudy
from deploy.pages.form import form_of
from deploy.pages.page_app import PageApp
from shared_model.constants import LABEL_WORDS
from shared_model.errors import PneumofedError


def reading_values(room: ReadingRoom, reader: str, study: RoomStudy) -> dict[str, Any]:
    """What reading_form.html.j2 and patient_banner.html.j2 need for a scan's page that is opened now.

    The time that the reader takes is counted from the first time.
    """
    room.open(reader, study)
    reading = room.reading(reader, study)
    return {
        "study": study,
        "patient": study.patient(),
        "reading": reading,
        "may_see_model": not room.blinded or reading is not None,
        "label_words": LABEL_WORDS,
        "confidence_words": CONFIDENCE_WORDS,
        "seconds_words": seconds_words,
        "longest_comment": LONGEST_COMMENT,
    }


def reading_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """The routes of the form, and of the session that it needs."""
    router = APIRouter()

    @router.post("/scans/{name}/answer")
    async def answer(name: str, request: Request) -> Response:
        given = _answer_of(await form_of(request))
        await asyncio.to_thread(room.check_opened, request.state.reader, name)
        await asyncio.to_thread(room.answer, request.state.reader, name, given)
        return RedirectResponse(f"/scans/{name}", 303)

    @router.post("/scans/{name}/agree")
    async def agree(name: str, request: Request) -> Response:
        form = await form_of(request)
        agrees = {"yes": True, "no": False}.get(form.get("agrees", ""))
        if agrees is None:
            raise PneumofedError("answer-invalid", "say whether you agree with the model or not")
        remark = form.get("remark", "").strip()
        await asyncio.to_thread(room.agree, request.state.reader, name, agrees=agrees, remark=remark)
        return RedirectResponse(f"/scans/{name}", 303)

    @router.get("/session")
    def session() -> Response:
        """Keeps the session of somebody who reads; for session.js."""
        return JSONResponse({"idle_s": shared.login.idle_s})

    return router


def _answer_of(form: dict[str, str]) -> Answer:
    confidence = form.get("confidence", "")
    return Answer(
        label=form.get("label", ""),  # type: ignore[arg-type]  # checked by Answer
        confidence=int(confidence) if confidence in map(str, CONFIDENCE_WORDS) else 0,
        comment=form.get("comment", "").strip(),
    )


def seconds_words(seconds: float) -> str:
    """Such as "45 s" or "3 min 20 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
