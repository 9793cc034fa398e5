"""`/agreement`: how far readers agree, and `/export/`: their readings as files."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from client.reading_room.agreement import between_readers, with_models
from client.reading_room.label_export import StudyLabels, labels_csv, readings_csv, study_labels
from client.reading_room.room import ReadingRoom
from deploy.pages.page_app import PageApp
from shared_model.constants import LABEL_WORDS
from shared_model.quantity import quantity


def agreement_routes(room: ReadingRoom, shared: PageApp) -> APIRouter:
    """The routes of agreement and export."""
    router = APIRouter()

    def labels(reader: str, *, uploaded: bool) -> StudyLabels:
        studies = [name for name, one in room.studies.all().items() if one.uploaded == uploaded]
        return study_labels(room.readings_for(reader), studies)

    @router.get("/agreement")
    def agreement(request: Request) -> Response:
        """Kappa over the scans that this reader has answered: the others' would tell what the model says."""
        reader = request.state.reader
        readings = room.readings_for(reader)
        return shared.page(
            "agreement.html.j2",
            path="/agreement",
            reader=reader,
            groups=(
                ("Readers and models", "Reader", "Model", with_models(readings)),
                ("Between readers", "Reader", "Reader", between_readers(readings)),
            ),
            labels=labels(reader, uploaded=False),
            uploaded=labels(reader, uploaded=True),
            readings=readings,
            blinded=room.blinded,
            label_words=LABEL_WORDS,
            quantity=quantity,
        )

    @router.get("/export/labels.csv")
    def export_labels(request: Request, uploads: bool = False) -> Response:
        content = labels_csv(labels(request.state.reader, uploaded=uploads))
        return _file(content, "labels-of-uploads.csv" if uploads else "labels.csv")

    @router.get("/export/readings.csv")
    def export_readings(request: Request) -> Response:
        return _file(readings_csv(room.readings_for(request.state.reader)), "readings.csv")

    return router


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
