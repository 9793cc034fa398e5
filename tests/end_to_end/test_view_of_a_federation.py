"""A study proposed, approved, run and read in a browser, at a federation of real processes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document
from server.app import LEDGER
from server.ledger import read_record, record_paths
from tests.support.chromium import NEEDS_CHROMIUM, Visitor, chromium
from tests.support.deployed_study import DEPLOYED, HOSPITALS, study_file
from tests.support.deployment import Deployment
from tests.support.processes import pneumofed, running, wait_until

pytestmark = [*DEPLOYED, NEEDS_CHROMIUM]

TRAINED_ON = "Noise of <b>three</b> hospitals."


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with Deployment.started(tmp_path_factory.mktemp("viewed"), HOSPITALS) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def address(federation: Deployment) -> Iterator[str]:
    """What `coordinator view` printed."""
    out = federation.folder / "view.out"
    with running(pneumofed("coordinator", "view", federation.file, "--port", "0"), out):
        wait_until(lambda: "open http" in out.read_text(), seconds=60, what="the page's address")
        yield re.findall(r"open (\S+)", out.read_text())[0]


def start(page: Page, study: Path, action: str) -> None:
    """Fill the form as a coordinator does, and confirm."""
    page.get_by_role("link", name="Start a study").click()
    page.get_by_label("Study: a name").fill(str(study))
    page.get_by_label("One sentence on the data").fill(TRAINED_ON)
    page.get_by_role("radio", name=f"{action.capitalize()}:").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text(TRAINED_ON)).to_be_visible()  # markup is shown as text
    page.get_by_role("button", name=f"Yes, {action}").click()
    expect(page.get_by_role("heading", name="Now")).to_be_visible(timeout=60_000)


def decision(page: Page, hospital: str) -> str:
    return page.locator(f"#hospital-{hospital} td").nth(1).inner_text()


def test_a_study_from_its_proposal_to_its_report(federation: Deployment, address: str) -> None:
    study = study_file(federation.folder, "viewed", rounds=3)
    with chromium() as browser:
        visitor = Visitor(browser, address.partition("/login")[0])
        page = visitor.see(address.removeprefix(visitor.address))
        for name in HOSPITALS:
            expect(page.locator(f"#hospital-{name}")).to_contain_text("online", timeout=60_000)

        start(page, study, "propose")
        expect(page.locator('[data-figure="state"]')).to_have_text("proposed", timeout=120_000)
        assert {decision(page, name) for name in HOSPITALS} == {"waiting for approval"}
        for name in HOSPITALS:
            federation.approve(name)

        start(page, study, "run")
        page.evaluate("window.same = true")
        seen = []
        for done in (1, 2, 3):
            figure = page.locator('[data-figure="rounds_done"]')
            expect(figure).to_have_text(f"{done} of 3", timeout=240_000)
            seen.append(page.locator(".cell.returned").count())
        assert seen == sorted(seen) and page.evaluate("window.same") is True  # without a reload
        expect(page.locator('[data-figure="state"]')).to_have_text("completed", timeout=240_000)
        assert {decision(page, name) for name in HOSPITALS} == {"approved"}

        document = status_document(load_federation(federation.file))
        (told,) = document["studies"]
        folder = Path(told["folder"])
        records = [read_record(path) for path in record_paths(folder / LEDGER)]
        report = json.loads((folder / "report.json").read_text())
        assert told["rounds_done"] == len(records) == len(report["rounds"]) == 3
        figures = page.locator("#curves [data-auc]")
        page.locator("#figures-summary").click()
        shown = [figures.nth(place).inner_text() for place in range(figures.count())]
        expected = [
            one["within_auc"].get(task, "none") for one in report["rounds"] for task in ("diseased", "covid")
        ]
        words = {"none": "not validated", None: "undefined"}
        assert shown == [words.get(value) or f"{value:.4f}" for value in expected]
        for name in ("north", "south"):
            row = page.locator(f"#hospital-{name} td").nth(3).inner_text()
            seconds = sorted(record.train[name].seconds for record in records)[1]
            assert row == f"{seconds:.1f}"

        page.get_by_role("link", name="Studies").click()
        page.get_by_role("link", name="viewed").click()
        page.get_by_role("link", name="report.html").click()
        expect(page.get_by_text(report["statement"][:40]).first).to_be_visible(timeout=60_000)
        assert visitor.asked_elsewhere() == []
        assert [one for one in visitor.complaints if "Refused" in one or "rror" in one] == []
