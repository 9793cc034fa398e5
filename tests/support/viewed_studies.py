"""A reading room with diagnosed studies whose HU and labels are known, and a reader in a browser."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.study_files import files_digest
from client.diagnosis.viewing_output import write_viewing_file
from client.learning.scan_logits import FigureValue
from client.pacs.pacs_settings import PacsSettings, ReadSettings
from client.reading_room.room import ReadingRoom
from deploy.pages.reading.reading_pages import reading_pages
from preprocessing.reading.series_selection import select_series
from preprocessing.reading.volume import load_volume
from shared_model.scan_figures import FIGURES
from tests.support.chromium import Visitor
from tests.support.diagnosed_scans import measured_card
from tests.support.marked_lungs import diagnosed_series, marked_series
from tests.support.oblique_series import AXIAL
from tests.support.page_client import serving

READERS = ("ada", "bela")
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class ViewedRoom:
    """A room that is served at `address`."""

    room: ReadingRoom
    address: str


@contextmanager
def viewed_room(folder: Path, *, blinded: bool = False) -> Iterator[ViewedRoom]:
    """A room over the studies that `add_study` wrote into `folder`, for READERS."""
    settings = PacsSettings(
        inbox=folder / "inbox",
        results=folder / "results",
        reading=folder / "reading",
        read=ReadSettings(blinded=blinded, port=0),
    )
    room = ReadingRoom(settings)
    known = {one.name for one in room.accounts.readers()}
    for name in READERS:
        if name not in known:
            room.accounts.add(name, PASSWORD)
    with serving(reading_pages(room)) as address:
        yield ViewedRoom(room, address)


def add_study(
    folder: Path, name: str, *, lesion_side: int = 1, orientation: Sequence[float] = AXIAL[0]
) -> Diagnosis:
    """A marked chest (marked_lungs.py) as `hospital diagnose` leaves it, with measured quality and figures.

    Attention of the first network grows along a lobe's columns, of the second along its rows.
    """
    images = folder / "inbox" / name / "images"
    marked_series(images, lesion_side, tuple(orientation))
    (images.parent / "complete").touch()
    series = select_series(images).required()
    diagnosis = replace(
        _with_attention(diagnosed_series(series, lesion_side)),
        card=measured_card(),
        figures=_figures(),
        files_sha256=files_digest(images),
    )
    results = folder / "results" / name
    results.mkdir(parents=True)
    write_viewing_file(results / "viewing.zip", diagnosis, load_volume(series).hu)
    (results / "diagnosis.json").write_text(json.dumps(diagnosis_document(diagnosis)))
    return diagnosis


def _with_attention(diagnosis: Diagnosis) -> Diagnosis:
    count, ramp = len(diagnosis.lobes.side), np.linspace(0.1, 0.9, 32)
    across = np.broadcast_to(ramp, (count, 32, 32)).astype(np.float16)
    down = np.broadcast_to(ramp[:, np.newaxis], (count, 32, 32)).astype(np.float16)
    return replace(diagnosis, lobes=replace(diagnosis.lobes, attention={"diseased": across, "covid": down}))


def _figures() -> tuple[FigureValue, ...]:
    added = (1.5, -0.75, 0.25)
    return tuple(
        FigureValue(figure, -1.25 + number, {task: added[number % 3] for task in figure.tasks})
        for number, figure in enumerate(FIGURES["infection-map"])
    )


def read_as(browser: Browser, address: str, path: str, *, reader: str = "ada", **look: object) -> Visitor:
    """A page at `path`, by a reader who logged in; look: as for Visitor."""
    visitor = Visitor(browser, address, **look)  # type: ignore[arg-type]
    page = visitor.see("/login")
    page.fill("#name", reader)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(address + "/")
    visitor.see(path)
    return visitor


def drawn(page: Page, what: str) -> None:
    """Wait until the viewer shows `what`, such as "axial 5"."""
    page.wait_for_selector(f'#scan[data-drawn="{what}"]', timeout=20_000)
