"""The reading room for programs: /api, described by /api/openapi.json.

A reader's name and password by HTTP Basic, or the session of a page. What the model said is told to those
readers only who may see it at the page.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from client.diagnosis.document import DiagnosisDocument
from client.reading_room.room import ReadingRoom
from client.reading_room.upload_refusals import UPLOAD_REFUSALS
from deploy.pages.guard import API
from deploy.pages.page_app import PageApp
from deploy.pages.reading.api_documents import Problem, ReaderView, Studies, Study, Upload, Uploads
from deploy.pages.reading.receiving import announced_size, receive
from shared_model.versions import package_version

STATUS = dict.fromkeys(UPLOAD_REFUSALS, 422) | {
    "upload-too-large": 413, "unpacked-too-large": 413, "too-many-files": 413, "not-a-zip": 415,
    "upload-too-slow": 408, "study-differs": 409, "too-many-waiting": 429, "disk-full": 507,
}  # fmt: skip
"""HTTP status of each refusal of an upload."""

_NOT_LOGGED_IN = {"log-in": 401, "login-slowed": 429}
_MISSING: Any = {404: {"model": Problem, "description": "`not-found`."}}
_BODY = {"required": True, "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_DESCRIPTION = (
    "Upload CT studies and follow their diagnosis. For research: not a medical device. Every request needs a "
    "reader's name and password. Times are UTC in ISO 8601."
)


def api_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """The routes of the API."""
    router = APIRouter(prefix=API.rstrip("/"), responses=_responses(_NOT_LOGGED_IN))

    @router.post(
        "/uploads",
        status_code=201,
        response_model=Upload,
        responses=_responses(STATUS | _NOT_LOGGED_IN),
        openapi_extra={"requestBody": _BODY},
    )
    async def upload_a_study(request: Request, response: Response) -> Upload:
        """Upload one study: a zip archive of its DICOM files, in any folders. Other files are left out.

        It is taken whole, or refused whole: then nothing of it is kept. The same study again changes nothing.
        """
        reader = request.state.reader
        receipt = await receive(room.uploads, reader, aiter(request.stream()), announced_size(request))
        response.headers["Location"] = f"{API}uploads/{receipt.id}"
        return await asyncio.to_thread(lambda: ReaderView(room, reader).upload(receipt))

    @router.get("/uploads", response_model=Uploads)
    def list_uploads(request: Request) -> Uploads:
        """One's own uploads, the latest first."""
        reader = request.state.reader
        view = ReaderView(room, reader)
        return Uploads(uploads=[view.upload(one) for one in room.uploads.of(reader)])

    @router.get("/uploads/{upload}", response_model=Upload, responses=_MISSING)
    def get_upload(upload: str, request: Request) -> Upload:
        """One upload of one's own, with the state of its study."""
        reader = request.state.reader
        return ReaderView(room, reader).upload(room.uploads.one(reader, upload))

    @router.delete("/uploads/{upload}", status_code=204, responses=_MISSING)
    def delete_upload(upload: str, request: Request) -> None:
        """Delete an upload of one's own: images and results, unless another upload is of the same study."""
        room.uploads.delete(request.state.reader, upload)

    @router.get("/studies", response_model=Studies)
    def list_studies(request: Request) -> Studies:
        """All studies, in order of arrival."""
        return ReaderView(room, request.state.reader).studies()

    @router.get("/studies/{name}", response_model=Study, responses=_MISSING)
    def get_study(name: str, request: Request) -> Study:
        """The state of one study."""
        return ReaderView(room, request.state.reader).study(name)

    @router.get(
        "/studies/{name}/diagnosis",
        response_model=DiagnosisDocument,
        response_model_exclude_unset=True,
        responses=_MISSING
        | {
            403: {"model": Problem, "description": "`blinded`: answer at the page of the scan first."},
            409: {"model": Problem, "description": "`not-diagnosed`."},
        },
    )
    def get_diagnosis(name: str, request: Request) -> DiagnosisDocument:
        """What the model said, as docs/reference/diagnosis-json.md describes it."""
        room.check_may_see_model(request.state.reader, name)
        return room.study(name).document()

    @router.get("/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(openapi_document(router))

    shared.status |= STATUS
    shared.app.exception_handler(HTTPException)(_unknown)
    return router


async def _unknown(request: Request, error: Any) -> Response:
    """The answer where there is no such address, or none for this method."""
    if not request.scope["path"].startswith(API):
        return await http_exception_handler(request, error)
    problem = "the API has no such address, or not for this method; /api/openapi.json lists them"
    return JSONResponse({"code": "not-found", "problem": problem}, error.status_code, error.headers)


def openapi_document(router: APIRouter) -> dict[str, Any]:
    """The OpenAPI document of the API's routes."""
    document = get_openapi(
        title="pneumofed reading room",
        version=package_version(),
        description=_DESCRIPTION,
        routes=router.routes,
    )
    for operation in (one for path in document["paths"].values() for one in path.values()):
        if "HTTPValidationError" in str(operation["responses"].get("422")):  # FastAPI's, of any path
            del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        del document["components"]["schemas"][name]
    document["components"]["securitySchemes"] = {"reader": {"type": "http", "scheme": "basic"}}
    document["security"] = [{"reader": []}]
    return document


def _responses(status_of: dict[str, int]) -> dict[int | str, dict[str, Any]]:
    """Each status of a refusal, with its codes; status_of: by code."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted(set(status_of.values())):
        codes = ", ".join(f"`{code}`" for code, one in status_of.items() if one == status)
        found[status] = {"model": Problem, "description": f"{codes}."}
    return found
