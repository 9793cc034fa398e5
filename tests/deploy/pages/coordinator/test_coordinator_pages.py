"""The coordinator's pages show what ledger, status and report hold, and do what the commands do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.pages.coordinator import coordinator_pages as module
from deploy.pages.coordinator.coordinator_pages import coordinator_pages
from server import events
from server.app import STOP
from server.study_result import HospitalOutcome
from tests.support.page_client import logged_in, serving
from tests.support.watched_study import WatchedStudy

FIGURE = re.compile(r'data-figure="(\w+)">([^<]*)<')


@pytest.fixture
def study(tmp_path: Path) -> WatchedStudy:
    return WatchedStudy(tmp_path)


@pytest.fixture
def browser(study: WatchedStudy) -> Iterator[httpx.Client]:
    with serving(coordinator_pages(study.file, "t")) as address, logged_in(address, "t") as client:
        yield client


def figures(page: str) -> dict[str, str]:
    return dict(FIGURE.findall(page))


def test_rounds_advance_on_the_stream_without_another_request(
    study: WatchedStudy, browser: httpx.Client
) -> None:
    with study.running(), browser.stream("GET", "/live") as stream:
        messages = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        assert set(next(messages)) == {"state", "hospitals", "study", "timeline", "curves"}
        for done in (1, 2, 3):
            study.step()
            seen: dict[str, str] = {}
            while figures(seen.get("study", "")).get("rounds_done") != f"{done} of 5":
                seen |= next(messages)
            assert 'data-figure="rounds_done"' in seen["study"]


def test_every_figure_is_that_of_status_ledger_and_report(study: WatchedStudy, browser: httpx.Client) -> None:
    with study.running():
        for _ in range(4):
            study.step()
        page = browser.get("/").text
        status = study.status.status
        assert figures(page) == {
            "state": "running",
            "round": f"{status.round} of {status.rounds}",
            "rounds_done": f"{status.rounds_done} of {status.rounds_total}",
        }
        assert status.rounds_done == 4
    done = browser.get("/").text
    report = json.loads((study.folder / "report.json").read_text())
    for chart, name in zip(charts(done), ("loss", "within_auc"), strict=True):
        for curve in chart["curves"]:
            task = curve["colour"].removeprefix("--")
            told = {number: one[name].get(task) for number, one in enumerate(report["rounds"], 1)}
            shown = dict(zip(chart["rounds"], curve["values"], strict=True))
            assert known(shown) == known(told) != {}
    assert len(study.rounds) == len(report["rounds"]) == 5
    assert done.count('class="cell returned"') == 1 + sum(
        reply.status == "returned" for record in study.rounds for reply in record.train.values()
    )


def known(values: dict[int, float | None]) -> dict[int, float]:
    return {number: value for number, value in values.items() if value is not None}


def charts(page: str) -> list[dict[str, Any]]:
    """The figures of the page's charts."""
    return [json.loads(text.replace("&#34;", '"')) for text in re.findall(r'data-curves="([^"]*)"', page)]


def test_what_a_hospital_did_not_return_is_told_with_a_remedy(
    study: WatchedStudy, browser: httpx.Client
) -> None:
    with study.running():
        study.tell(events.HospitalsAwaited({"south": "paused"}))
        assert "pneumofed hospital resume" in browser.get("/").text
        study.tell(events.RosterBuilt((), {}))
        study.tell(events.RequestSent("north", "not-connected"))
        study.tell(
            events.RequestFinished(
                "train", "east", HospitalOutcome(status="refused", reason="norm-too-large")
            )
        )
        study.tell(events.HospitalNoticed("east", ("quarantined",)))
        page = browser.get("/").text
        assert "was asked again (not-connected)" in page and "quarantined" in page
        east = browser.get("/hospitals/east").text
        assert "norm-too-large" in east and "coordinator acknowledge" in east and "Acknowledge" in east
        assert "norm-too-large" not in browser.get("/hospitals/north").text


def test_the_report_is_served_and_nothing_else_of_the_folder(
    study: WatchedStudy, browser: httpx.Client
) -> None:
    with study.running():
        study.step()
    address = f"/studies/{study.folder.name}"
    assert f'href="{address}/report.html"' in browser.get(address).text
    page = browser.get(f"{address}/report.html")
    assert page.text == (study.folder / "report.html").read_text()
    assert "sandbox" in page.headers["content-security-policy"]
    assert browser.get(f"{address}/report.json").json()["rounds"]
    for path in ("status.json", "ledger", "..%2f..%2ftls%2fedge.key", "lock"):
        assert browser.get(f"{address}/{path}").status_code == 404
    assert browser.get("/studies/none").status_code == 404
    assert browser.get("/hospitals/none").status_code == 404


def test_stopping_asks_first_and_does_what_the_command_does(
    study: WatchedStudy, browser: httpx.Client
) -> None:
    flag = study.folder / STOP
    with study.running():
        fingerprint = study.status.status.fingerprint
        form = {"action": "stop-now", "fingerprint": fingerprint, "name": "test"}
        asked = browser.post("/ask", data=form)
        assert "Yes, stop" in asked.text and not flag.exists()
        browser.post("/stop", data={"fingerprint": fingerprint, "now": "yes"})
        assert flag.exists()
    refused = browser.post("/stop", data={"fingerprint": fingerprint, "now": "no"})
    assert refused.status_code == 409 and "no study" in refused.text


@pytest.mark.parametrize(
    ("action", "rehearsal", "proposes"),
    [("propose", False, True), ("rehearse", True, False), ("run", False, False)],
)
def test_a_study_is_begun_as_the_command_begins_it(
    study: WatchedStudy,
    browser: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    rehearsal: bool,
    proposes: bool,
) -> None:
    begun: list[tuple[Any, ...]] = []

    def begin(federation: Any, name: str, **settings: Any) -> Path:
        begun.append((federation.name, name, settings))
        return study.folder

    monkeypatch.setattr(module, "begin", begin)
    form = {"action": action, "study": "demo", "trained_on": "<b>scans</b> of 2026"}
    asked = browser.post("/ask", data=form)
    assert "&lt;b&gt;scans&lt;/b&gt; of 2026" in asked.text and not begun
    browser.post("/begin", data=form)
    settings = {"trained_on": "<b>scans</b> of 2026", "rehearsal": rehearsal, "proposes": proposes}
    assert begun == [("lowlands", "demo", settings)]
    assert browser.post("/ask", data={**form, "study": " "}).status_code == 409
    assert browser.post("/begin", data={**form, "action": "delete"}).status_code == 409
    assert len(begun) == 1


def test_what_the_federation_refuses_is_shown_in_words(study: WatchedStudy, browser: httpx.Client) -> None:
    answer = browser.post("/begin", data={"action": "run", "study": "demo", "trained_on": "x"})
    assert answer.status_code == 409 and "coordinator serve" in answer.text  # nothing is served here


def test_hostile_texts_are_text(study: WatchedStudy, browser: httpx.Client) -> None:
    with study.running():
        study.status._update(
            study="<script>alert(1)</script>", stage='"><img src=x>', error="<i>", error_code="x"
        )
        page = browser.get("/").text + browser.get("/studies").text
    assert "<script>alert" not in page and "<img" not in page and "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
