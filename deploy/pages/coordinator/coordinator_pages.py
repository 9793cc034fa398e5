"""The coordinator's pages: routes, and what they do for people who may run studies."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from deploy.coordinator.acknowledge import acknowledge
from deploy.coordinator.run import begin
from deploy.coordinator.settings import Federation, load_federation
from deploy.coordinator.status import certificate_in_words
from deploy.coordinator.studies import stop
from deploy.coordinator.study_words import clock, expected_end, headline
from deploy.pages.access import TokenLogin
from deploy.pages.coordinator.curves import auc_curves, loss_curves
from deploy.pages.coordinator.federation_watch import FederationWatch
from deploy.pages.coordinator.hospital_rows import hospital_rows
from deploy.pages.coordinator.remedies import remedy
from deploy.pages.coordinator.timeline import MEANING, SYMBOLS, timeline
from deploy.pages.form import form_of
from deploy.pages.live import LiveParts, Parts
from deploy.pages.page_app import PageApp
from server.report.report_files import DOCUMENT, FIGURES, PAGE
from server.status import RUNS, StudyStatus
from server.study_result import HospitalOutcome, RoundRecord
from shared_model.errors import PneumofedError
from shared_model.fingerprint_words import words_of
from shared_model.quantity import quantity
from shared_model.study import study_names

NAVIGATION = (("/", "Now"), ("/studies", "Studies"), ("/start", "Start a study"))
REPORT_FILES = {PAGE: "text/html", DOCUMENT: "application/json", FIGURES: "text/csv"}
# The report is one file with its own style and script; it may reach nothing.
REPORT_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; sandbox "
    "allow-scripts allow-downloads"
)
ACTIONS = {
    "propose": "Show it to the hospitals for their approval; nothing else is asked of them.",
    "rehearse": "Propose and run one tiny round a stage, to see whether it runs and what a round costs.",
    "run": "Propose it, begin when the hospitals have approved, and go on to the report.",
}


def coordinator_pages(file: Path, token: str) -> PageApp:
    """The pages of the federation of `file`. Raises PneumofedError as `load_federation`."""
    return CoordinatorPages(file, token).shared


class CoordinatorPages:
    """Routes of one federation; `token` opens them."""

    def __init__(self, file: Path, token: str) -> None:
        heading = f"coordinator of {load_federation(file).name}"
        self.shared = PageApp(
            "deploy.pages.coordinator",
            login=TokenLogin(token),
            heading=heading,
            navigation=NAVIGATION,
        )
        self._watch = FederationWatch(file)
        self.shared.stream("/live", LiveParts(self._watch.mark, lambda: self._parts(None)))
        app = self.shared.app
        shown: dict[str, Callable[..., Response]] = {
            "/": self._now,
            "/studies": self._studies,
            "/studies/{fingerprint}": self._study,
            "/studies/{fingerprint}/{name}": self._report,
            "/hospitals/{name}": self._hospital,
            "/start": self._start,
        }
        for path, page in shown.items():
            app.add_api_route(path, page, methods=["GET"])
        for path, action in {
            "/ask": self._ask,
            "/begin": self._begin,
            "/stop": self._stop,
            "/acknowledge": self._acknowledge,
        }.items():
            app.add_api_route(path, action, methods=["POST"])

    def _now(self) -> Response:
        self._watch.mark()
        return self.shared.page("now.html.j2", path="/", parts=self._parts(None), live="/live")

    def _studies(self) -> Response:
        self._watch.mark()
        document = self._watch.document()
        studies = [(Path(one["folder"]).name, _status_of(one)) for one in reversed(document["studies"])]
        return self.shared.page("studies.html.j2", path="/studies", studies=studies, headline=headline)

    def _study(self, fingerprint: str) -> Response:
        self._watch.mark()
        parts = self._parts(fingerprint)
        found = self._watch.study(self._watch.document(), fingerprint)
        if found is None:
            raise _unknown("study")
        folder = Path(found["folder"])
        files = [name for name in REPORT_FILES if (folder / name).is_file()]
        return self.shared.page(
            "study.html.j2", path="/studies", parts=parts, files=files,
            fingerprint=folder.name, name=found["study"],
        )  # fmt: skip

    def _report(self, fingerprint: str, name: str) -> Response:
        found = self._watch.study(self._watch.document(), fingerprint)
        path = None if found is None else Path(found["folder"]) / name
        if path is None or name not in REPORT_FILES or not path.is_file():
            raise _unknown("report")
        return FileResponse(
            path, media_type=REPORT_FILES[name], headers={"Content-Security-Policy": REPORT_CSP}
        )

    def _hospital(self, name: str) -> Response:
        self._watch.mark()
        document = self._watch.document()
        study = self._watch.study(document, None)
        status, rounds = self._of(study)
        rows = [row for row in hospital_rows(document, status, rounds) if row.name == name]
        if not rows:
            raise _unknown("hospital")
        return self.shared.page(
            "hospital.html.j2", path="", row=rows[0], study=status, remedy=remedy,
            troubles=_troubles(name, rounds, status),
        )  # fmt: skip

    def _start(self) -> Response:
        return self.shared.page("start.html.j2", path="/start", names=study_names(), actions=ACTIONS)

    async def _ask(self, request: Request) -> Response:
        """What a button will do, with a button that does it."""
        form = await form_of(request)
        action = form.get("action", "")
        if action in ACTIONS and not (form.get("study", "").strip() and form.get("trained_on", "").strip()):
            raise PneumofedError(
                "form-incomplete", "name the study, and tell in a sentence what data it is of"
            )
        return self.shared.page("ask.html.j2", path="", action=action, form=form, actions=ACTIONS)

    async def _begin(self, request: Request) -> Response:
        form = await form_of(request)
        action = form.get("action", "")
        if action not in ACTIONS:
            raise PneumofedError("form-unreadable", "the form names no action; send it from the page")
        await asyncio.to_thread(
            begin,
            load_federation(self._watch.file),
            form.get("study", "").strip(),
            trained_on=form.get("trained_on", "").strip(),
            rehearsal=action == "rehearse",
            proposes=action == "propose",
        )
        return RedirectResponse("/", 303)

    async def _stop(self, request: Request) -> Response:
        form = await form_of(request)
        federation = load_federation(self._watch.file)
        await asyncio.to_thread(
            stop, federation, form.get("fingerprint") or None, now=form.get("now") == "yes"
        )
        return RedirectResponse("/", 303)

    async def _acknowledge(self, request: Request) -> Response:
        name = (await form_of(request)).get("hospital", "")
        await asyncio.to_thread(acknowledge, load_federation(self._watch.file), name)
        return RedirectResponse(f"/hospitals/{name}", 303)

    def _parts(self, fingerprint: str | None) -> Parts:
        """The live parts: of the federation, and of one study."""
        document, federation = self._watch.document(), load_federation(self._watch.file)
        study = self._watch.study(document, fingerprint)
        status, rounds = self._of(study)
        training = [one["name"] for one in document["hospitals"] if one["role"] == "training"]
        values: dict[str, Any] = {
            "document": document,
            "quorum": federation.quorum or max(1, len(training)),
            "deadline": _deadline(status, federation),
            "certificate": certificate_in_words(document["certificate_until"]),
            "rows": hospital_rows(document, status, rounds),
            "study": status,
            "running": status is not None and status.state in RUNS,
            "headline": None if status is None else headline(status),
            "end": None if status is None else expected_end(status),
            "rounds": rounds,
            "timeline": None if status is None else timeline(status, rounds, training),
            "symbols": SYMBOLS,
            "meaning": MEANING,
            "loss": loss_curves(rounds),
            "auc": auc_curves(rounds),
            "clock": clock,
            "quantity": quantity,
            "remedy": remedy,
            "words_of": words_of,
        }
        names = ("state", "hospitals", "study", "timeline", "curves")
        return {name: self.shared.part(f"part_{name}.html.j2", **values) for name in names}

    def _of(self, study: dict[str, Any] | None) -> tuple[StudyStatus | None, list[RoundRecord]]:
        if study is None:
            return None, []
        return _status_of(study), self._watch.rounds(Path(study["folder"]))


def _deadline(study: StudyStatus | None, federation: Federation) -> float | None:
    """Of the round in progress, in seconds since 1970."""
    if study is None or study.state != "running" or study.round_began is None:
        return None
    return study.round_began + 60 * federation.deadline_minutes


def _status_of(study: dict[str, Any]) -> StudyStatus:
    return StudyStatus.model_validate({name: part for name, part in study.items() if name != "folder"})


def _troubles(
    name: str, rounds: list[RoundRecord], status: StudyStatus | None
) -> list[tuple[str, HospitalOutcome]]:
    """(when, outcome) of what a hospital did not return, the latest first."""
    found = [
        (f"stage {record.stage + 1}, round {record.round}, {phase}", replies[name])
        for record in rounds
        for phase, replies in (("training", record.train), ("validation", record.validate_replies))
        if name in replies and replies[name].status != "returned"
    ]
    now = None if status is None else status.hospitals.get(name)
    if now is not None and now.status != "returned":
        found.append(("last request", now))
    return found[::-1]


def _unknown(what: str) -> PneumofedError:
    return PneumofedError("not-found", f"there is no such {what} here; begin at the first page")
