"""A scan's page, and the images that it shows: the scan to every reader, the model's to who may see them."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from client.diagnosis.viewing_file import ViewedScan, ViewingFile, open_viewing_file
from client.reading_room.room import ReadingRoom
from client.reading_room.studies import RoomStudy
from deploy.pages.page_app import PageApp
from deploy.pages.reading.reading_routes import reading_values
from deploy.pages.reading.scan_values import curves_of, earlier_rows, scan_values
from shared_model.constants import Task

ABSENT = {
    "arriving": "Images of this scan are still arriving.",
    "waiting": "This scan waits for its diagnosis; reload the page in a few minutes.",
    "diagnosing": "This scan is being diagnosed; reload the page in a few minutes.",
}
"""Why there is nothing to see, by the study's state."""

_PIXELS = "application/octet-stream"


def scan_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """Routes below /scans/NAME; see ScanRoutes."""
    return ScanRoutes(room, shared).router


class ScanRoutes:
    """Routes of one scan. What tells what the model said is refused with `blinded`, here and nowhere else."""

    def __init__(self, room: ReadingRoom, shared: PageApp) -> None:
        self._room, self._shared = room, shared
        self.router = APIRouter(prefix="/scans/{name}")
        routes: dict[str, Callable[..., Response]] = {
            "": self._page,
            "/scan.json": self._scan,
            "/slices/{index}": self._slice,
            "/model.json": self._model,
            "/labels/{index}": self._labels,
            "/attention/{task}/{index}": self._attention,
        }
        for path, route in routes.items():
            self.router.add_api_route(path, route, methods=["GET"])

    def _page(self, request: Request, name: str) -> Response:
        study, reader = self._room.study(name), request.state.reader
        values: dict[str, Any] = {"model": None, "scan": None, "start": 0}
        values |= reading_values(self._room, reader, study)
        if study.verdict is None:
            words = str(study.failure) if study.failure else ABSENT[study.state]
            return self._shared.page("scan.html.j2", path="/", reader=reader, absent=words, **values)
        viewed = open_viewing_file(study.results).scan
        values |= {"scan": geometry(viewed), "start": viewed.shape[0] // 2}
        if self._room.may_see_model(reader, name):
            document = study.document()
            values |= {"model": scan_values(document), "start": document.worst_slices[0].slice}
            values |= {"earlier": earlier_rows(self._room, reader, name)}
        return self._shared.page("scan.html.j2", path="/", reader=reader, **values)

    def _scan(self, name: str) -> Response:
        return JSONResponse(geometry(self._viewing(name).scan))

    def _slice(self, name: str, index: int) -> Response:
        return self._layer(name, "hu", index)

    def _model(self, request: Request, name: str) -> Response:
        study = self._unblinded(request, name)
        viewed = open_viewing_file(study.results).scan
        return JSONResponse(
            {
                "boxes": viewed.boxes,
                "full_attention": viewed.full_attention,
                "curves": curves_of(study.document()),
            }
        )

    def _labels(self, request: Request, name: str, index: int) -> Response:
        self._unblinded(request, name)
        return self._layer(name, "labels", index)

    def _attention(self, request: Request, name: str, task: Task, index: int) -> Response:
        self._unblinded(request, name)
        return self._layer(name, f"attention/{task}", index)

    def _layer(self, name: str, layer: str, index: int) -> Response:
        packed = self._viewing(name).gzipped(layer, index)
        return Response(packed, media_type=_PIXELS, headers={"Content-Encoding": "gzip"})

    def _viewing(self, name: str) -> ViewingFile:
        return open_viewing_file(self._room.study(name).results)

    def _unblinded(self, request: Request, name: str) -> RoomStudy:
        """The study, if this reader may see what the model said of it. Raises PneumofedError `blinded`."""
        self._room.check_may_see_model(request.state.reader, name)
        return self._room.study(name)


def geometry(viewed: ViewedScan) -> dict[str, Any]:
    """scan.json without what the model found."""
    return viewed.model_dump(mode="json", include={"format", "shape", "spacing_mm", "z_mm"})
