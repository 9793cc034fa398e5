"""`/uploads`: a reader uploads a study, as a zip archive or a folder, and sees what became of it, live."""

import asyncio
from collections.abc import Hashable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from client.pacs.queue_progress import read_progress
from client.reading_room.room import ReadingRoom
from client.reading_room.upload_refusals import UPLOAD_REFUSALS
from deploy.pages.live import LiveParts, Parts
from deploy.pages.page_app import PageApp
from deploy.pages.reading.api_documents import ReaderView, Study, Upload
from deploy.pages.reading.clock import local_time
from deploy.pages.reading.form_file import file_of
from deploy.pages.reading.receiving import announced_size, receive
from deploy.pages.reading.step_words import step_words
from shared_model.errors import PneumofedError
from shared_model.quantity import quantity

PATH = "/uploads"


def upload_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """The routes of the page."""
    router, page = APIRouter(), _UploadPage(room, shared)

    @router.get(PATH)
    def uploads(request: Request) -> Response:
        return page.shown(request.state.reader)

    @router.get(f"{PATH}/live")
    async def live(request: Request) -> Response:
        reader = request.state.reader
        parts = LiveParts(lambda: page.mark(reader), lambda: page.parts(reader))
        return shared.events(request, parts)

    @router.post(PATH)
    async def upload(request: Request) -> Response:
        """For a browser without scripts; upload.js sends to the API."""
        reader = request.state.reader
        try:
            await receive(room.uploads, reader, file_of(request), announced_size(request))
        except PneumofedError as error:
            if error.code not in UPLOAD_REFUSALS:
                raise
            return await asyncio.to_thread(page.shown, reader, problem=error)
        return RedirectResponse(PATH, 303)

    @router.get(f"{PATH}/{{upload}}/delete")
    def ask(upload: str, request: Request) -> Response:
        """What deleting will do, with a button that does it."""
        reader = request.state.reader
        found = ReaderView(room, reader).upload(room.uploads.one(reader, upload))
        received = local_time(found.received.timestamp())
        return shared.page("ask_delete.html.j2", path=PATH, reader=reader, upload=found, received=received)

    @router.post(f"{PATH}/{{upload}}/delete")
    def delete(upload: str, request: Request) -> Response:
        room.uploads.delete(request.state.reader, upload)
        return RedirectResponse(PATH, 303)

    return router


class _UploadPage:
    def __init__(self, room: ReadingRoom, shared: PageApp) -> None:
        self._room, self._shared = room, shared

    def shown(self, reader: str, problem: PneumofedError | None = None) -> Response:
        """The page; problem: why an upload was refused."""
        return self._shared.page(
            "uploads.html.j2",
            path=PATH,
            reader=reader,
            status_code=200 if problem is None else self._shared.status[problem.code],
            problem="" if problem is None else str(problem),
            parts=self.parts(reader),
            live=f"{PATH}/live",
            bounds=self._room.settings.read,
            most_bytes=self._room.uploads.most_bytes,
            keep_days=self._room.settings.keep_days,
        )

    def mark(self, reader: str) -> Hashable:
        """Differs when the part may differ."""
        progress = read_progress(self._room.settings.results)
        return self._room.mark(reader), progress, tuple(one.id for one in self._room.uploads.of(reader))

    def parts(self, reader: str) -> Parts:
        """The live part: the reader's uploads."""
        view = ReaderView(self._room, reader)
        rows: list[dict[str, Any]] = []
        for receipt in self._room.uploads.of(reader):
            upload = view.upload(receipt)
            rows.append(
                {
                    "upload": upload,
                    "received": local_time(receipt.received),
                    "left_out": _left_out(upload),
                    "state": state_words(upload.study),
                }
            )
        return {"list": self._shared.part("part_uploads.html.j2", rows=rows)}


def _left_out(upload: Upload) -> str:
    if not upload.not_kept:
        return ""
    reasons = ", ".join(f"{count} {reason.replace('-', ' ')}" for reason, count in upload.not_kept.items())
    return f"{quantity(sum(upload.not_kept.values()), 'file')} left out: {reasons}"


def state_words(study: Study) -> str:
    """How a study stands, in words."""
    progress = study.progress
    if progress is not None:
        return f"being diagnosed: {step_words(progress.step, progress.done, progress.total)}"
    if study.state == "waiting":
        return "waits for its diagnosis" + (
            f", after {quantity(study.ahead, 'other')}" if study.ahead else ""
        )
    if study.failure is not None:
        return f"not diagnosed, read it without the model: {study.failure.problem}"
    return {"diagnosing": "being diagnosed", "diagnosed": "diagnosed"}.get(study.state, "arriving")
