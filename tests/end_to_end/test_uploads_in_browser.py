"""Uploads in a real browser: a zip and a folder, by keyboard, with refusals in words, live, in the dark."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pydicom import dcmread

from client.pacs.queue_progress import progress_told
from client.reading_room.room import ReadingRoom
from shared_model.file_lock import exclusive
from tests.support.chromium import NEEDS_CHROMIUM, TABBED, Visitor, chromium
from tests.support.diagnosed_scans import PATIENT
from tests.support.pacs import image
from tests.support.raw_zips import Entry, image_bytes, raw_zip, study_zip
from tests.support.reading_room import PASSWORD, WrittenRoom, served

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def written(tmp_path: Path) -> WrittenRoom:
    return WrittenRoom(tmp_path / "room", min_free_gb=0, max_files=40)


@pytest.fixture
def room(written: WrittenRoom) -> ReadingRoom:
    return written.open("ada")


@pytest.fixture
def address(room: ReadingRoom) -> Iterator[str]:
    with served(room) as (address, _):
        yield address


def reader(browser: Browser, address: str, **look: object) -> Visitor:
    """Ada at /uploads."""
    visitor = Visitor(browser, address, **look)  # type: ignore[arg-type]
    page = visitor.see("/login")
    page.fill("#name", "ada")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(address + "/")
    visitor.see("/uploads")
    return visitor


def told(page: Page, words: str) -> None:
    expect(page.locator("#told")).to_contain_text(words, timeout=20_000)


def choose(page: Page, archive: bytes) -> None:
    page.set_input_files("#archive", {"name": "o.zip", "mimeType": "application/zip", "buffer": archive})


def test_a_zip_is_uploaded_followed_and_deleted_by_keyboard(
    browser: Browser, address: str, room: ReadingRoom, written: WrittenRoom
) -> None:
    visitor = reader(browser, address)
    page = visitor.page
    choose(page, study_zip(5))
    page.focus("#archive")
    for _ in range(6):
        page.keyboard.press("Tab")
        name, shown = page.evaluate(TABBED)
        assert shown, f"{name} does not show its focus"
        if name == "send":
            break
    page.keyboard.press("Enter")
    told(page, "Received: 5 images")
    expect(page.locator("#list")).to_contain_text("waits for its diagnosis")
    (study,) = room.studies.all()
    with exclusive(written.settings.results, create=False):
        written.fail(study)
        with progress_told(written.settings.results, study) as on_step:
            on_step("networks", 30, 120)
            expect(page.locator("#list")).to_contain_text("networks, 30 of 120 lobes", timeout=10_000)
            assert page.locator("#list progress").get_attribute("value") == "30"
            assert visitor.violations() == []
    (written.settings.results / study / "failure.json").unlink()
    written.diagnose(study)
    expect(page.locator("#list a").first).to_have_attribute("href", f"/scans/{study}", timeout=10_000)
    page.focus("#list td:last-child a")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Delete this upload?")
    assert visitor.violations() == []
    page.focus("main button")
    page.keyboard.press("Enter")
    expect(page.locator("#list")).to_contain_text("uploaded nothing")
    assert room.studies.all() == {}
    assert visitor.complaints == [] and visitor.asked_elsewhere() == []


def test_a_folder_is_uploaded_without_the_names_of_its_files(
    browser: Browser, address: str, room: ReadingRoom, tmp_path: Path
) -> None:
    folder = tmp_path / "Quillfeather Ottoline"
    for number in range(12):
        image(folder / f"series {number % 2}", f"MRN-7730415 {number}.dcm", number=number)
    (folder / "empty").write_bytes(b"")
    (folder / "brief an Ottoline.txt").write_text("Quillfeather")
    visitor = reader(browser, address)
    page, bodies = visitor.page, []
    page.on("request", lambda request: bodies.append(request.post_data_buffer))
    page.set_input_files("#folder", folder)
    page.click("#send")
    told(page, "Received: 12 images")
    expect(page.locator("#list")).to_contain_text("2 files left out: 1 empty file, 1 not dicom")
    (study,) = room.studies.all().values()
    kept = {dcmread(BytesIO(path.read_bytes())).SOPInstanceUID for path in study.images.iterdir()}
    assert kept == {f"1.2.3.{number}" for number in range(12)}
    assert not [body for body in bodies if body and (b"brief an" in body or b"MRN-7730415 1.dcm" in body)]
    assert visitor.complaints == []


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"letter", "this is no zip archive"),
        (raw_zip([Entry("0", image_bytes()), Entry("../x", b"1")]), "leads out of it"),
        (raw_zip([Entry("0", image_bytes()), Entry("a", b"x", mode=0o120777)]), "holds a link"),
        (raw_zip([Entry("a", declared=65 << 20)]), "unpack to far more"),
        (raw_zip([Entry("0", image_bytes()), Entry("1", image_bytes(1, PatientID="X"))]), "several patients"),
        (study_zip(41), "has more files than"),
    ],
)
def test_a_refusal_is_told_and_the_form_works_again(
    archive: bytes, words: str, browser: Browser, address: str, room: ReadingRoom
) -> None:
    visitor = reader(browser, address)
    page = visitor.page
    choose(page, archive)
    page.click("#send")
    expect(page.locator("#problem")).to_contain_text(words, timeout=20_000)
    assert room.studies.all() == {} and visitor.violations() == []
    choose(page, study_zip())
    page.click("#send")
    told(page, "Received: 3 images")
    expect(page.locator("#problem")).to_be_hidden()


def test_what_the_browser_sees_by_itself_is_not_sent(
    browser: Browser, address: str, tmp_path: Path, room: ReadingRoom
) -> None:
    visitor = reader(browser, address)
    page = visitor.page
    page.click("#send")
    expect(page.locator("#problem")).to_contain_text("Choose a zip archive or a folder first")
    for number in range(41):
        image(tmp_path / "many", f"{number}", number=number)
    page.set_input_files("#folder", tmp_path / "many")
    page.click("#send")
    expect(page.locator("#problem")).to_contain_text("more files than this room accepts")
    assert not [url for url in visitor.requests if url.endswith("/api/uploads")]


def test_an_upload_can_be_cancelled(browser: Browser, address: str, room: ReadingRoom) -> None:
    visitor = reader(browser, address)
    page = visitor.page
    page.route("**/api/uploads", lambda _: None)  # an answer that never comes
    choose(page, study_zip())
    page.click("#send")
    expect(page.locator("#cancel")).to_be_visible()
    page.click("#cancel")
    expect(page.locator("#problem")).to_contain_text("Cancelled. Nothing was kept.")
    assert room.studies.all() == {} and page.locator("#send").is_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 820, 390])
def test_it_fits_and_has_contrast(
    scheme: str, width: int, browser: Browser, address: str, room: ReadingRoom, tmp_path: Path
) -> None:
    with room.uploads.arriving() as upload:
        upload.write(raw_zip([Entry("0", image_bytes()), Entry("readme", b"x")]))
        room.uploads.accept("ada", upload)
    visitor = reader(browser, address, width=width, scheme=scheme)
    assert visitor.violations() == [] and not visitor.is_wider_than_window()
    assert visitor.complaints == []
    said = visitor.page.content()
    assert not [word for word in PATIENT.values() if word in said]
    if shots := os.environ.get("PNEUMOFED_SHOTS"):
        visitor.page.screenshot(path=f"{shots}/uploads-{scheme}-{width}.png", full_page=True)


def test_without_scripts_a_zip_is_uploaded(browser: Browser, address: str, room: ReadingRoom) -> None:
    visitor = reader(browser, address)
    state = visitor.page.context.storage_state()
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(f"{address}/uploads")
    assert not page.locator("#folder").is_visible()
    choose(page, study_zip())
    page.click("#send")
    expect(page.locator("#list")).to_contain_text("waits for its diagnosis")
    assert len(room.studies.all()) == 1
    context.close()
