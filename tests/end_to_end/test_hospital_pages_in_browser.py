"""The hospital's page in a real browser, over a real trainer: by keyboard, live, on a phone, in print."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from client.control.control_client import ControlClient
from client.control.documents import Person
from client.hospital_settings import HospitalSettings
from client.node.trainer_client import TrainerClient
from client.records.audit import AuditLog
from deploy.pages.hospital.hospital_pages import hospital_pages
from shared_model.fingerprint_words import words_of
from shared_model.protocol import TrainRequest
from shared_model.study import PrivacyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import to_bytes
from tests.support.chromium import NEEDS_CHROMIUM, TABBED, chromium, visit
from tests.support.controlled_hospital import controlled, propose, written_hospital
from tests.support.page_client import serving
from tests.support.scripted_sites import WEIGHTS, named

pytestmark = NEEDS_CHROMIUM

DONE = named("learns", StageConfig(name="lobes", networks=("diseased", "covid"), rounds=2))
_STUDY = named("lungs of winter").study.model_copy(update={"privacy": PrivacyConfig(epsilon=8.0, delta=1e-3)})
WAITING = named("lungs of winter").model_copy(
    update={"study": _STUDY, "trained_on": "Chest CT <script>alert(1)</script> of 2026"}
)
PATHS = ("/", "/studies", f"/studies/{WAITING.fingerprint}", "/left", "/scans", "/log", "/ask/pause")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HospitalSettings]:
    """One study done, one that waits."""
    found = written_hospital(tmp_path_factory.mktemp("h"))
    propose(found, DONE)
    propose(found, WAITING)
    with controlled(found):
        ControlClient(found.control).decide(
            DONE.fingerprint, Person(name="Ada Lo", reason="as agreed in the board"), approve=True
        )
        node = TrainerClient(found.socket, DONE, deadline_s=60)
        node.describe()
        node.train(to_bytes(WEIGHTS), TrainRequest(0, 1))
        yield found


@pytest.fixture(scope="module")
def address(hospital: HospitalSettings) -> Iterator[str]:
    with serving(hospital_pages(hospital, "t")) as address:
        yield address


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
def test_every_page_is_accessible_quiet_and_fits(
    browser: Browser, address: str, path: str, width: int, scheme: str
) -> None:
    visitor = visit(browser, address, path, width=width, scheme=scheme)
    assert visitor.page.locator("h1").count() == 1
    assert visitor.violations() == []
    assert visitor.complaints == [] and visitor.asked_elsewhere() == []
    assert not visitor.is_wider_than_window()
    visitor.page.context.close()


def test_a_pause_is_seen_without_reloading(
    browser: Browser, address: str, hospital: HospitalSettings
) -> None:
    page = visit(browser, address, "/").page
    page.evaluate("window.same = true")
    trainer, bea = ControlClient(hospital.control), Person(name="Bea", reason="maintenance")
    trainer.set_paused(bea, paused=True)
    page.get_by_text("Paused.").wait_for()
    trainer.set_paused(bea, paused=False)
    page.get_by_role("link", name="Pause").wait_for()
    assert page.evaluate("window.same") is True


def test_a_study_is_approved_by_keyboard_alone(
    browser: Browser, address: str, hospital: HospitalSettings
) -> None:
    page = visit(browser, address, f"/studies/{WAITING.fingerprint}").page

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            reached, shown = page.evaluate(TABBED)
            assert shown, reached
            if reached == name:
                return
        raise AssertionError(f"the Tab key never reaches {name}")

    tab_to("name")
    page.keyboard.type("Dr. Cleo")
    tab_to("reason")
    page.keyboard.type("compared and read")
    tab_to("approve")
    page.keyboard.press("Enter")
    page.get_by_text(words_of(WAITING.fingerprint)).wait_for()
    tab_to("compared")
    page.keyboard.press("Space")
    tab_to("yes")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Leave the study").wait_for()
    last = AuditLog(hospital.state).entries()[-1]
    assert (last.event, last.facts["study"], last.facts["by"]) == (
        "approved",
        WAITING.fingerprint,
        "Dr. Cleo",
    )


def test_the_printed_approval_is_without_controls(browser: Browser, address: str) -> None:
    page = visit(browser, address, f"/studies/{WAITING.fingerprint}").page
    assert not page.locator(".printed").is_visible() and page.locator("#name").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".printed").is_visible() and not page.locator("#name").is_visible()
    assert page.locator("[data-figure=words]").is_visible()
    assert re.findall(rb"/Count (\d+)", page.pdf(format="A4")) == [b"1"]  # one page for the file
