"""The reading room in a real browser: login, worklist, form and agreement, by keyboard, in the dark."""

from collections.abc import Iterator

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser

from client.reading_room.reading_log import Answer
from client.reading_room.room import ReadingRoom
from deploy.pages.reading.reading_pages import reading_pages
from deploy.pages.reading.reading_routes import reading_values
from tests.support.chromium import NEEDS_CHROMIUM, TABBED, Visitor, chromium
from tests.support.page_client import serving
from tests.support.reading_room import PASSWORD, WrittenRoom

pytestmark = NEEDS_CHROMIUM

FORM = """{% extends "base.html.j2" %}{% block main %}<h1>Scan</h1>
{% include "patient_banner.html.j2" %}{% include "reading_form.html.j2" %}{% endblock %}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenRoom:
    """Three diagnosed scans, the third of the first one's patient; one that failed; one that waits."""
    written = WrittenRoom(tmp_path_factory.mktemp("room"))
    patients = ("P1", "P2", "P1")
    for number, patient in enumerate(patients, start=1):
        name = written.arrive(number, PatientID=patient, StudyDate=f"2026030{number}")
        written.diagnose(name, flags=["uneven-spacing"])
    written.fail(written.arrive(4), "not-a-chest", "no lungs were found: look at it yourself")
    written.arrive(5)
    return written


@pytest.fixture(scope="module")
def room(written: WrittenRoom) -> ReadingRoom:
    """ada has read all but the second scan, bob one; cleo will."""
    room = written.open("ada", "bob", "cleo")
    first, _, third = diagnosed(room)
    room.answer("ada", first, Answer("covid", 4, "ground glass"))
    room.answer("ada", third, Answer("healthy", 2))
    room.agree("ada", third, agrees=False, remark="motion")
    room.answer("bob", third, Answer("covid", 5))
    return room


def diagnosed(room: ReadingRoom) -> list[str]:
    """Names of the diagnosed studies as they arrived."""
    studies = sorted(room.studies.all().values(), key=lambda one: one.arrived)
    return [one.name for one in studies if one.verdict is not None]


@pytest.fixture(scope="module")
def address(room: ReadingRoom) -> Iterator[str]:
    """With the form on a page of its own, as it is within a scan's."""
    pages = reading_pages(room)
    template = pages._templates.from_string(FORM)

    def form(request: Request, name: str) -> HTMLResponse:
        reader = request.state.reader
        values = reading_values(room, reader, room.study(name))
        return HTMLResponse(template.render(path="", reader=reader, **values))

    pages.app.add_api_route("/form/{name}", form)
    with serving(pages) as address:
        yield address


def logged_in(visitor: Visitor, reader: str = "ada") -> Visitor:
    page = visitor.see("/login")
    page.get_by_label("Name").fill(reader)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Worklist").wait_for()
    return visitor


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (768, "light"), (768, "dark")]
)
def test_every_page_is_accessible_quiet_and_fits(
    browser: Browser, room: ReadingRoom, address: str, width: int, scheme: str
) -> None:
    visitor = Visitor(browser, address, width=width, scheme=scheme)
    visitor.see("/login")
    assert visitor.violations() == []
    logged_in(visitor)
    first, second, third = diagnosed(room)
    for path in ("/", "/?label=covid", "/agreement", f"/form/{first}", f"/form/{second}", f"/form/{third}"):
        page = visitor.see(path)
        assert page.locator("h1").count() == 1
        assert visitor.violations() == [], path
        assert not visitor.is_wider_than_window(), path
    assert visitor.complaints == [] and visitor.asked_elsewhere() == []
    visitor.page.context.close()


def test_a_scan_is_read_by_keyboard_alone(browser: Browser, room: ReadingRoom, address: str) -> None:
    visitor = logged_in(Visitor(browser, address), "cleo")
    name = diagnosed(room)[0]
    page = visitor.see(f"/form/{name}")

    def tab_to(place: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            where, visible = page.evaluate(TABBED)
            assert visible, where
            if where == place:
                return
        raise AssertionError(f"the Tab key does not reach {place}")

    tab_to("label-healthy")
    page.keyboard.press("ArrowDown")  # chooses the next
    tab_to("confidence-1")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    tab_to("comment")
    page.keyboard.type("both sides")
    tab_to("save-answer")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/scans/{name}")
    page = visitor.see(f"/form/{name}")
    assert "COVID-19" in page.locator("#own-answer").inner_text()
    tab_to("agrees-yes")
    page.keyboard.press("Space")
    tab_to("save-agreement")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/scans/{name}")
    (reading,) = [one for one in room.log.all() if one.reader == "cleo"]
    assert (reading.label, reading.confidence, reading.comment) == ("covid", 4, "both sides")
    assert (reading.blinded, reading.agrees) == (True, True)
    page.context.close()


def test_the_worklist_follows_without_losing_the_focus(
    browser: Browser, written: WrittenRoom, room: ReadingRoom, address: str
) -> None:
    visitor = logged_in(Visitor(browser, address))
    page = visitor.page
    link = f"open-{diagnosed(room)[0]}"
    page.locator(f"#{link}").focus()
    name = written.arrive(6, PatientName="New^Nora")
    page.get_by_text("New, Nora").wait_for()
    written.diagnose(name)
    page.locator(f"#open-{name}").wait_for()
    assert page.evaluate("document.activeElement.id") == link
    assert visitor.complaints == []
    page.context.close()


def test_a_screen_that_nobody_uses_shows_no_patient_any_more(browser: Browser, address: str) -> None:
    visitor = Visitor(browser, address)
    visitor.page.clock.install()
    logged_in(visitor)
    page = visitor.page
    page.get_by_text("Quillfeather, Ottoline").first.wait_for()
    page.clock.fast_forward("29:00")
    page.keyboard.press("Tab")
    page.clock.fast_forward("29:00")
    assert page.get_by_text("Quillfeather, Ottoline").first.is_visible()
    page.clock.fast_forward("02:00")
    page.wait_for_url("**/login")
    assert "Quillfeather" not in page.content()
    page.goto(address + "/")
    assert page.url.endswith("/login")
    page.context.close()


def test_work_in_another_tab_keeps_the_session(browser: Browser, address: str) -> None:
    visitor = Visitor(browser, address)
    visitor.page.context.clock.install()
    logged_in(visitor)
    unused, used = visitor.page, visitor.page.context.new_page()
    used.goto(address + "/agreement")
    for _ in range(3):
        visitor.page.context.clock.fast_forward("20:00")
        used.keyboard.press("Tab")
        used.wait_for_timeout(100)  # for the message to the other tab
    assert used.url.endswith("/agreement") and unused.get_by_role("heading", name="Worklist").is_visible()
    used.context.close()
