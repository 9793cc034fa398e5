"""A reading room with studies, diagnoses and readers that a test names, and a client of a reader."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.result_names import DOCUMENT
from client.diagnosis.study_files import files_digest
from client.pacs.failure import Failure, write_failure
from client.pacs.inbox import IMAGES, Inbox
from client.pacs.pacs_settings import PacsSettings, ReadSettings
from client.reading_room.model_verdict import ModelVerdict
from client.reading_room.reading_log import Reading
from client.reading_room.room import ReadingRoom
from deploy.pages.page_app import PageApp
from deploy.pages.reading.reading_pages import reading_pages
from tests.support.diagnosed_scans import diagnosed, observation, two_lungs
from tests.support.pacs import image
from tests.support.page_client import serving, stranger

PASSWORD = "kanarienvogel 7"
_SLICE = {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "PixelSpacing": [1, 1], "RescaleSlope": 1,
    "RescaleIntercept": 0, "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 0],
}  # fmt: skip
NOON = 1_790_000_000.0  # when the first study arrived, in s since 1970


class WrittenRoom:
    """Folders of a reading room as receiver and queue leave them; read: settings of [read]."""

    def __init__(self, folder: Path, **read: Any) -> None:
        self.folder = folder
        self.settings = PacsSettings(
            inbox=folder / "inbox",
            results=folder / "results",
            reading=folder / "reading",
            read=ReadSettings(**read),
        )
        self.settings.results.mkdir(parents=True)
        self._inboxes = {False: Inbox(self.settings.inbox), True: Inbox(self.settings.uploads)}
        self._images = 0

    def arrive(
        self, number: int, *, complete: bool = True, uploaded: bool = False, images: int = 1, **tags: Any
    ) -> str:
        """A study of patient P{number}, an hour after the one before it; its name."""
        inbox = self._inboxes[uploaded]
        values = {**_SLICE, "PatientID": f"P{number}", "StudyInstanceUID": f"1.9.{number}", **tags}
        for _ in range(images):
            self._images += 1
            name = inbox.take(image(inbox.incoming, "one", number=self._images, **values))
        if complete:
            inbox.mark_complete(name)
        os.utime(inbox.folder / name / IMAGES, (NOON + 3600 * number,) * 2)
        return name

    def images(self, name: str) -> Path:
        """The folder of a study's images."""
        found = (inbox / name / IMAGES for inbox in self.settings.inboxes)
        return next(filter(Path.is_dir, found))

    def diagnose(self, name: str, *, weights: str = "w" * 64, **changes: Any) -> None:
        """Write a study's diagnosis; changes: of its document, or ml, percent and probability by task."""
        document = json.loads(_document())
        ml, percent = changes.pop("ml", 100.0), changes.pop("percent", 2.5)
        document["infected"]["all"] |= {"infected_ml": ml, "percent": percent}
        for task in ("diseased", "covid"):
            document[task]["probability"] = changes.pop(task, 0.9)
        document["model"] |= {"weights_sha256": weights, "card_sha256": "c" * 64}
        document |= {"limits": [], "flags": [], "uncertain": False, "label": "covid"}
        document |= {"files_sha256": files_digest(self.images(name)), **changes}
        (self.settings.results / name).mkdir(exist_ok=True)
        (self.settings.results / name / DOCUMENT).write_text(json.dumps(document))

    def fail(self, name: str, code: str = "", reason: str = "", *, begun: int = 1) -> None:
        """Write why a study has no diagnosis, or without `code` that one was begun."""
        results = self.settings.results / name
        results.mkdir(exist_ok=True)
        made_of = f"{files_digest(self.images(name))} w c"
        write_failure(results, Failure(made_of=made_of, begun=begun, code=code, reason=reason))

    def open(self, *readers: str) -> ReadingRoom:
        """The room, with these readers."""
        room = ReadingRoom(self.settings)
        for reader in readers:
            room.accounts.add(reader, PASSWORD)
        return room


@contextmanager
def served(room: ReadingRoom) -> Iterator[tuple[str, PageApp]]:
    """The room's pages on a free port: their address."""
    pages = reading_pages(room)
    with serving(pages) as address:
        yield address, pages


@contextmanager
def reader_at(address: str, name: str = "ada") -> Iterator[httpx.Client]:
    """A reader who logged in, and follows redirects."""
    with stranger(address) as client:
        answer = client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        client.follow_redirects = True
        yield client


@cache
def _document() -> str:
    scan = two_lungs(2)
    return json.dumps(diagnosis_document(diagnosed(scan, observation(scan, diseased=3.0, covid=3.0))))


def verdict_of(label: str, **changes: Any) -> ModelVerdict:
    """A verdict of made-up figures."""
    values: dict[str, Any] = {
        "made_of": "f w c", "model": "tiny", "weights_sha256": "w", "priority": 1, "label": label,
        "words": label,
        "uncertain": False, "research_use_only": True, "limits": (), "flags": (), "probability_diseased": 0.9,
        "probability_covid": 0.9, "infected_ml": 100.0, "infected_percent": 2.5,
    }  # fmt: skip
    return ModelVerdict(**values | changes)


def reading_of(reader: str, study: str, label: str = "covid", **changes: Any) -> Reading:
    """A blinded reading of `label` where the model says covid."""
    values: dict[str, Any] = {
        "reader": reader, "study": study, "made_of": "f w c", "model": "tiny", "weights_sha256": "w",
        "model_label": "covid", "blinded": True, "label": label, "confidence": 4, "comment": "",
        "seconds": 42.3,
        "answered": "2026-09-21T14:14:02+00:00",
    }  # fmt: skip
    return Reading(**values | changes)
