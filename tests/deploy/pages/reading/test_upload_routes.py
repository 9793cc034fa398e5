"""The page of uploads: without scripts a form, with its refusals in words; one's own uploads, live."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from client.reading_room.room import ReadingRoom
from deploy.pages.reading.api_documents import Problem, Progress, Study
from deploy.pages.reading.upload_routes import state_words
from tests.support.diagnosed_scans import PATIENT
from tests.support.page_client import stranger
from tests.support.raw_zips import Entry, raw_zip, study_zip
from tests.support.reading_room import WrittenRoom, reader_at, served

SINCE = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def written(tmp_path: Path) -> WrittenRoom:
    return WrittenRoom(tmp_path, min_free_gb=0, max_files=10)


@pytest.fixture
def room(written: WrittenRoom) -> ReadingRoom:
    return written.open("ada", "ben")


@pytest.fixture
def address(room: ReadingRoom) -> Iterator[str]:
    with served(room) as (address, _):
        yield address


@pytest.fixture
def ada(address: str) -> Iterator[httpx.Client]:
    with reader_at(address) as client:
        yield client


def sent(client: httpx.Client, archive: bytes) -> httpx.Response:
    return client.post("/uploads", files={"archive": ("ottoline.zip", archive, "application/zip")})


def test_a_form_without_scripts_uploads_a_study(
    ada: httpx.Client, room: ReadingRoom, written: WrittenRoom
) -> None:
    assert "uploaded nothing" in ada.get("/uploads").text
    page = sent(ada, study_zip())
    assert page.status_code == 200 and str(page.url).endswith("/uploads")
    assert "waits for its diagnosis" in page.text
    (study,) = room.studies.all()
    written.diagnose(study)
    page = ada.get("/uploads")
    assert f'href="/scans/{study}"' in page.text and "covid" not in page.text
    written.fail(study, "no-lungs", "no lungs are found; use a chest CT")
    assert "no lungs are found" in ada.get("/uploads").text
    said = page.text + " ".join(str(path) for path in written.folder.rglob("*"))
    assert not [word for word in (*PATIENT.values(), "ottoline") if word in said]


@pytest.mark.parametrize(
    ("archive", "status", "words"),
    [
        (b"letter", 415, "this is no zip archive; choose a zip, or a folder"),
        (raw_zip([Entry("../x", b"1")]), 422, "pack the study&#39;s folder itself"),
        (study_zip(11), 413, "more files than <code>max_files</code> of pacs.toml"),
    ],
)
def test_a_refusal_is_told_at_the_page_with_its_remedy(
    archive: bytes, status: int, words: str, ada: httpx.Client, room: ReadingRoom
) -> None:
    page = sent(ada, archive)
    assert page.status_code == status and words in page.text and "<form" in page.text
    assert room.studies.all() == {}


def test_a_body_that_is_no_form_is_refused(ada: httpx.Client) -> None:
    page = ada.post("/uploads", content=study_zip())
    assert page.status_code == 409 and "the form cannot be read" in page.text


def test_deleting_asks_first_and_is_for_one_s_own(ada: httpx.Client, address: str, room: ReadingRoom) -> None:
    sent(ada, study_zip())
    (upload,) = room.uploads.of("ada")
    with reader_at(address, "ben") as ben:
        assert "uploaded nothing" in ben.get("/uploads").text
        for method in ("get", "post"):
            assert getattr(ben, method)(f"/uploads/{upload.id}/delete").status_code == 404
    asked = ada.get(f"/uploads/{upload.id}/delete")
    assert "has 3 images" in asked.text and room.uploads.of("ada") == [upload]
    done = ada.post(f"/uploads/{upload.id}/delete")
    assert "uploaded nothing" in done.text and room.studies.all() == {}


def test_nothing_is_uploaded_by_strangers_or_from_another_page(
    address: str, ada: httpx.Client, room: ReadingRoom
) -> None:
    with stranger(address) as nobody:
        assert sent(nobody, study_zip()).status_code == 401
    ada.headers["origin"] = "https://evil.example"
    assert sent(ada, study_zip()).status_code == 403
    assert ada.post("/api/uploads", content=study_zip()).status_code == 403
    del ada.headers["origin"]
    assert ada.post("/api/uploads", content=study_zip()).status_code == 403
    assert room.studies.all() == {}


def test_the_list_is_live(ada: httpx.Client, room: ReadingRoom) -> None:
    with ada.stream("GET", "/uploads/live") as stream:
        lines = stream.iter_lines()
        assert "uploaded nothing" in next(lines)
        with room.uploads.arriving() as upload:
            upload.write(study_zip())
            room.uploads.accept("ada", upload)
        assert "waits for its diagnosis" in next(line for line in lines if line.startswith("data"))


def study(**changes: object) -> Study:
    values = {
        "name": "x", "uploaded": True, "arrived": SINCE, "state": "waiting", "ahead": None, "progress": None,
        "failure": None, "may_see_model": False,
    }  # fmt: skip
    return Study.model_validate(values | changes)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (study(ahead=0), "waits for its diagnosis"),
        (study(ahead=1), "waits for its diagnosis, after 1 other"),
        (study(ahead=2), "waits for its diagnosis, after 2 others"),
        (study(state="diagnosing"), "being diagnosed"),
        (study(state="diagnosed"), "diagnosed"),
        (
            study(progress=Progress(since=SINCE, step="networks", done=3, total=9)),
            "being diagnosed: networks, 3 of 9 lobes",
        ),
        (
            study(progress=Progress(since=SINCE, step="lungs", done=0, total=1)),
            "being diagnosed: finding the lungs",
        ),
        (
            study(state="failed", failure=Problem(code="no-lungs", problem="no lungs")),
            "not diagnosed, read it without the model: no lungs",
        ),
    ],
)
def test_a_state_is_said_in_words(found: Study, words: str) -> None:
    assert state_words(found) == words
