"""The coordinator's pages in a real browser: live, by keyboard, on a phone, in the dark."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from deploy.pages.coordinator.coordinator_pages import coordinator_pages
from server import events
from server.study_result import HospitalOutcome
from tests.support.chromium import NEEDS_CHROMIUM, TABBED, Visitor, chromium, visit
from tests.support.page_client import logged_in, serving
from tests.support.watched_study import WatchedStudy

pytestmark = NEEDS_CHROMIUM

PATHS = ("/", "/studies", "/start", "/hospitals/east")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedStudy]:
    """In its fourth round, with something to tell of each hospital."""
    study = WatchedStudy(tmp_path_factory.mktemp("watched"))
    with study.running():
        for _ in range(3):
            study.step()
        versions = {"trainer": "0.1.0", "flwr": "1.41.0", "certificate-until": "2020-01-01"}
        study.tell(events.HospitalDescribed("north", versions))
        study.tell(events.RequestSent("north", "not-connected"))
        study.tell(events.RequestPostponed("south", "paused"))
        refused = HospitalOutcome(status="refused", reason="norm-too-large", seconds=4)
        study.tell(events.RequestFinished("train", "east", refused))
        study.tell(events.HospitalNoticed("east", ("quarantined",)))
        yield study


@pytest.fixture(scope="module")
def address(study: WatchedStudy) -> Iterator[str]:
    with serving(coordinator_pages(study.file, "t")) as address:
        yield address


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (820, "dark"), (390, "light"), (390, "dark")])
def test_every_page_is_accessible_quiet_and_fits(
    browser: Browser, address: str, path: str, width: int, scheme: str
) -> None:
    visitor = visit(browser, address, path, width=width, scheme=scheme)
    assert visitor.page.locator("h1").count() == 1
    assert visitor.violations() == []
    assert visitor.complaints == [] and visitor.asked_elsewhere() == []
    assert not visitor.is_wider_than_window()
    visitor.page.context.close()


def test_the_login_page_is_accessible_and_says_what_is_wrong(browser: Browser, address: str) -> None:
    visitor = Visitor(browser, address)
    page = visitor.see("/")
    assert page.url.endswith("/login") and visitor.violations() == []
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").press("Enter")
    page.get_by_role("alert").wait_for()
    assert visitor.violations() == []
    page.get_by_label("Token").fill("t")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Now").wait_for()


def test_the_first_paint_comes_within_a_second(browser: Browser, address: str) -> None:
    visitor = visit(browser, address, "/")
    painted = []
    for _ in range(3):
        page = visitor.see("/")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length === 1")
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        painted.append(page.evaluate(paint))
    assert min(painted) < 1000  # ms; the machine of the tests does other work as well


def test_a_change_is_seen_without_reloading(browser: Browser, address: str, study: WatchedStudy) -> None:
    visitor = visit(browser, address, "/")
    page = visitor.page
    page.locator(".u-legend").first.wait_for()
    page.evaluate("window.same = true")
    took = []
    for number in range(5):
        words = f"log-cut-{number}"
        begun = time.monotonic()
        study.tell(events.HospitalNoticed("north", (words,)))
        page.get_by_text(words).wait_for()
        took.append(time.monotonic() - begun)
    assert page.evaluate("window.same") is True
    assert min(took) < 0.5  # s; beside other tests, with the browser's own delay


def test_what_had_focus_keeps_it_when_a_part_changes(
    browser: Browser, address: str, study: WatchedStudy
) -> None:
    page = visit(browser, address, "/").page
    page.locator(".u-legend").first.wait_for()
    page.locator("#link-south").focus()
    study.tell(events.HospitalNoticed("north", ("log-untold",)))
    page.get_by_text("log-untold").wait_for()
    assert page.evaluate("document.activeElement.id") == "link-south"


def test_the_keyboard_alone_reaches_everything(browser: Browser, address: str) -> None:
    page = visit(browser, address, "/").page
    page.locator(".u-legend").first.wait_for()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(tuple(page.evaluate(TABBED)))
    names = [name for name, _ in reached]
    assert names[0] == "Skip to the content"
    for name in (
        "Now",
        "Studies",
        "Start a study",
        "Log out",
        "stop",
        "stop-now",
        "link-north",
        "cell-east-4",
    ):
        assert name in names, names
    assert [name for name, shown in reached if not shown] == []
    page.locator("#cell-east-4").focus()
    assert page.locator("#cell-east-4 .why").is_visible()
    assert "norm-too-large" in page.locator("#cell-east-4 .why").inner_text()
    page.locator("#stop").press("Enter")
    page.get_by_role("heading", name="Stop study").wait_for()
    page.get_by_role("link", name="No, back").press("Enter")
    page.get_by_role("heading", name="Now").wait_for()


def test_without_a_server_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    alone = WatchedStudy(tmp_path)
    with serving(coordinator_pages(alone.file, "t")) as address:
        page = visit(browser, address, "/").page
        page.wait_for_function("document.getElementById('connection').hidden")
    page.get_by_text("No connection since").wait_for(timeout=20_000)


def test_fifty_people_view_at_once(address: str, study: WatchedStudy) -> None:
    """Each has a stream open; all of them see a change."""

    def view(number: int) -> bool:
        with logged_in(address, "t") as client, client.stream("GET", "/live") as stream:
            for line in stream.iter_lines():
                if not told.is_set() and line.startswith("data: "):
                    arrived.append(number)
                if "for-all-to-see" in line:
                    return True
        return False

    told, arrived = threading.Event(), list[int]()
    with ThreadPoolExecutor(50) as people:
        views = [people.submit(view, number) for number in range(50)]
        end = time.monotonic() + 60
        while len(set(arrived)) < 50 and time.monotonic() < end:
            with httpx.Client(base_url=address) as other:
                assert other.get("/login").status_code == 200
        told.set()
        study.tell(events.HospitalNoticed("north", ("for-all-to-see",)))
        assert all(one.result(timeout=60) for one in views)
