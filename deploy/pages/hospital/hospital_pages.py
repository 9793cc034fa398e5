"""The hospital's page: routes, and what it lets people decide. It holds no data: it asks the trainer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from client.control.control_client import ControlClient
from client.control.documents import Overview, Person
from client.hospital_settings import HospitalSettings
from client.trainer.told_counts import count_in_words
from deploy.pages.access import TokenLogin
from deploy.pages.form import form_of
from deploy.pages.hospital.hospital_watch import HospitalWatch
from deploy.pages.hospital.lights import lights_of
from deploy.pages.hospital.quiet_log import quiet_lines
from deploy.pages.hospital.support_bundle import support_bundle
from deploy.pages.hospital.times import clock_of
from deploy.pages.live import LiveParts, Parts
from deploy.pages.page_app import PageApp
from shared_model.constants import LABEL_WORDS
from shared_model.errors import PneumofedError

NAVIGATION = (
    ("/", "Now"),
    ("/studies", "Studies"),
    ("/left", "What left"),
    ("/scans", "Scans"),
    ("/log", "Log"),
)
ACTIONS = {
    "approve": "It will be trained and measured here as its text says, from the next request on.",
    "refuse": "Nothing of it is done here. What was sent before stays in the model.",
    "pause": "The task that runs is stopped, and all others are refused until somebody resumes.",
    "resume": "Tasks of approved studies are done again.",
}
PAUSES = ("pause", "resume")
DOUBTS = {
    "far-from-air": "part of the lungs found is far from air",
    "outside-air": "air of the lungs was left out",
    "sudden-change": "the area changes suddenly from slice to slice",
    "side-missing": "a side is missing",
}
"""What preprocessing.review.scan_doubts calls its kinds."""


def hospital_pages(hospital: HospitalSettings, token: str) -> PageApp:
    """The pages of the hospital, opened by `token`; nothing but its control socket is read."""
    return HospitalPages(hospital, token).shared


class HospitalPages:
    """Routes of one hospital."""

    def __init__(self, hospital: HospitalSettings, token: str) -> None:
        self.shared = PageApp(
            "deploy.pages.hospital",
            login=TokenLogin(token),
            heading=f"hospital {hospital.name}",
            navigation=NAVIGATION,
        )
        self._trainer = ControlClient(hospital.control)
        self._watch = HospitalWatch(self._trainer)
        self.shared.stream("/live", LiveParts(self._watch.mark, self._parts))
        shown: dict[str, Callable[..., Response]] = {
            "/": self._now,
            "/studies": self._studies,
            "/studies/{fingerprint}": self._study,
            "/left": self._left,
            "/scans": self._scans,
            "/log": self._log,
            "/bundle": self._bundle,
            "/ask/{action}": self._ask_pause,
        }
        for path, page in shown.items():
            self.shared.app.add_api_route(path, page, methods=["GET"])
        for path, action in {"/ask": self._ask, "/do": self._do, "/look": self._look}.items():
            self.shared.app.add_api_route(path, action, methods=["POST"])

    def _now(self) -> Response:
        self._watch.ask()
        return self.shared.page("now.html.j2", path="/", parts=self._parts(), live="/live")

    def _parts(self) -> Parts:
        """The live parts; a problem in the place of all if the trainer does not answer."""
        overview = self._watch.overview
        if overview is None:
            problem = self._watch.problem or ""
            return {
                "problem": self.shared.part("part_problem.html.j2", problem=problem),
                "now": "",
                "lights": "",
            }
        values = {"overview": overview, "clock": clock_of, "lights": lights_of(overview)}
        names = ("now", "lights")
        parts = {name: self.shared.part(f"part_{name}.html.j2", **values) for name in names}
        return {"problem": "", **parts}

    def _studies(self) -> Response:
        overview = self._watch.now()
        return self.shared.page("studies.html.j2", path="/studies", overview=overview, clock=clock_of)

    def _study(self, fingerprint: str) -> Response:
        overview, document = self._watch.now(), self._trainer.study(fingerprint)
        return self.shared.page(
            "study.html.j2", path="/studies", overview=overview, document=document, clock=clock_of
        )

    def _left(self) -> Response:
        overview = self._watch.now()
        total = sum(one.bytes for one in overview.left)
        return self.shared.page("left.html.j2", path="/left", overview=overview, total=total)

    def _scans(self) -> Response:
        return self.shared.page("scans.html.j2", path="/scans", **_scan_values(self._watch.now()))

    def _log(self) -> Response:
        records = self._trainer.records()
        rows = [(row, json.dumps(row.facts, ensure_ascii=False)) for row in records.rows]
        return self.shared.page("log.html.j2", path="/log", lines=quiet_lines(records.lines), rows=rows)

    def _bundle(self) -> Response:
        content = support_bundle(self._watch.now(), self._trainer.records())
        return Response(
            content,
            media_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="pneumofed-support.zip"'},
        )

    def _ask_pause(self, action: str) -> Response:
        """What pause or resume will do, with a button that does it."""
        if action not in PAUSES:
            raise PneumofedError("not-found", "there is no such page; begin at the first one")
        return self.shared.page("ask_pause.html.j2", path="", action=action, words=ACTIONS[action])

    async def _ask(self, request: Request) -> Response:
        """What a decision on a study will do, with a button that does it."""
        form = await form_of(request)
        action, person = _action_of(form), _person_of(form)
        document = await asyncio.to_thread(self._trainer.study, form.get("fingerprint", ""))
        return self.shared.page(
            "ask.html.j2", path="", action=action, words=ACTIONS[action], person=person, document=document
        )

    async def _do(self, request: Request) -> Response:
        form = await form_of(request)
        action, person = _action_of(form), _person_of(form)
        if action in PAUSES:
            await asyncio.to_thread(self._trainer.set_paused, person, paused=action == "pause")
            return RedirectResponse("/", 303)
        if action == "approve" and form.get("compared") != "yes":
            raise PneumofedError(
                "not-compared", "compare the words with the coordinator by telephone first, and say so"
            )
        fingerprint = form.get("fingerprint", "")
        await asyncio.to_thread(self._trainer.decide, fingerprint, person, approve=action == "approve")
        return RedirectResponse(f"/studies/{fingerprint}", 303)

    async def _look(self, request: Request) -> Response:
        """Check anew; the page shows the rows when they are there."""
        await form_of(request)
        await asyncio.to_thread(self._trainer.look)
        return RedirectResponse("/", 303)


def _scan_values(overview: Overview) -> dict[str, Any]:
    scans, floor = overview.look and overview.look.scans, overview.count_floor

    def rows(counts: dict[Any, int | None], words: dict[str, str]) -> list[tuple[str, str, str]]:
        return [(name, words.get(name, name), count_in_words(one, floor)) for name, one in counts.items()]

    return {
        "overview": overview,
        "clock": clock_of,
        "scans": scans,
        "patients": rows(scans.patients, LABEL_WORDS) if scans else [],
        "doubtful": rows(scans.doubtful, DOUBTS) if scans else [],
        "refused": rows(scans.refused, {}) if scans else [],
    }


def _action_of(form: dict[str, str]) -> str:
    action = form.get("action", "")
    if action not in ACTIONS:
        raise PneumofedError("form-unreadable", "the form names no action; send it from the page")
    return action


def _person_of(form: dict[str, str]) -> Person:
    try:
        return Person(name=form.get("name", "").strip(), reason=form.get("reason", "").strip())
    except ValidationError:
        raise PneumofedError(
            "decision-invalid", "write a name and a reason, of at most 80 and 500 characters, on one line"
        ) from None
