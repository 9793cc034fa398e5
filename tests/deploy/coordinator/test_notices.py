"""Notices reach a local SMTP server and an HTTP sink, once each, and say nothing of patients."""

import base64
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_string
from pathlib import Path

import pytest

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.notices import forget, tell_news
from deploy.coordinator.serve import services
from deploy.coordinator.settings import Federation, load_federation
from deploy.join import free_port
from server import events
from server.app import LOCK, STATUS
from server.status import StatusFile, StudyStatus
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from tests.support.coordinator_command import FEDERATION
from tests.support.notice_sinks import http_sink, smtp_sink


@pytest.fixture
def study(tmp_path: Path) -> Iterator[StatusFile]:
    """A study that runs."""
    folder = CoordinatorFolder(tmp_path / "coordinator").study("f")
    folder.mkdir(parents=True)
    with exclusive(folder / LOCK):
        yield StatusFile(folder / STATUS, StudyStatus(study="lungs-1", fingerprint="f", rounds_total=3))


def federation(folder: Path, notice: str) -> Federation:
    file = folder / "federation.toml"
    file.write_text(FEDERATION + notice)
    return load_federation(file)


def webhook(port: int, path: str = "", waits: float = 0) -> str:
    return f'[notice]\nwaits_minutes = {waits}\nwebhook = "http://127.0.0.1:{port}{path}"\n'


def mail(port: int, more: str = "") -> str:
    return (
        '[notice.email]\nto = ["ada@example.org", "bo@example.org"]\nsender = "fed@example.org"\n'
        f'host = "127.0.0.1"\nport = {port}\ntls = "none"\n{more}'
    )


def test_waiting_going_on_and_failing_are_told_once_each(tmp_path: Path, study: StatusFile) -> None:
    with http_sink() as (port, received):
        settings = federation(tmp_path, webhook(port))

        def told(times: int) -> list[dict[str, str]]:
            tell_news(settings)
            tell_news(load_federation(tmp_path / "federation.toml"))  # as after a restart
            assert len(received) == times, received
            return received

        told(0)
        study.on_event(events.HospitalsAwaited({"south": "study-not-approved"}))
        (waiting,) = told(1)
        study.on_event(events.HospitalsAwaited({"south": "study-not-approved"}))
        told(1)  # still the same
        study.on_event(events.RosterBuilt((), {}))
        told(1)
        study.on_event(events.RequestPostponed("north", "paused"))
        assert told(2)[-1]["event"] == "waiting"
        study.fail(PneumofedError("quorum-missed", "1 of 12 hospitals; north has 37 patients"))
        failed = told(3)[-1]
    assert (waiting["event"], waiting["study"], waiting["fingerprint"]) == ("waiting", "lungs-1", "f")
    assert "south has not approved the study since" in waiting["text"]
    assert (failed["event"], failed["code"]) == ("failed", "quorum-missed")
    assert "37" not in str(failed) and "12" not in str(failed)


@pytest.mark.parametrize(
    ("end", "event"),
    [(StatusFile.complete, "completed"), (StatusFile.stop, "stopped"), (StatusFile.propose, None)],
)
def test_the_end_of_a_study_is_told(tmp_path: Path, study: StatusFile, end, event: str | None) -> None:
    with http_sink() as (port, received):
        settings = federation(tmp_path, webhook(port))
        tell_news(settings)
        end(study)
        tell_news(settings)
    assert [one["event"] for one in received] == ([event] if event else [])


def test_a_study_that_no_process_runs_is_told_as_interrupted(tmp_path: Path) -> None:
    folder = CoordinatorFolder(tmp_path / "coordinator").study("f")
    with http_sink() as (port, received):
        settings = federation(tmp_path, webhook(port))
        folder.mkdir(parents=True)
        tell_news(settings)
        StatusFile(folder / STATUS, StudyStatus(study="s"))
        tell_news(settings)
    assert [one["event"] for one in received] == ["interrupted"]


def test_a_short_wait_is_no_news(tmp_path: Path, study: StatusFile) -> None:
    with http_sink() as (port, received):
        settings = federation(tmp_path, webhook(port, waits=10))
        study.on_event(events.HospitalsAwaited({"south": "paused"}))
        tell_news(settings)
    assert received == []


@pytest.mark.parametrize("told_before", [False, True])
def test_what_ended_before_notices_were_wanted_is_no_news(
    tmp_path: Path, study: StatusFile, told_before: bool
) -> None:
    with http_sink() as (port, received):
        settings = federation(tmp_path, webhook(port))
        if told_before:  # notices were wanted once, and then no more
            study.on_event(events.HospitalsAwaited({"south": "paused"}))
            tell_news(settings)
            forget(settings)
        received.clear()
        study.complete()
        tell_news(settings)
        assert received == []
        study.fail(PneumofedError("quorum-missed", "1 of 2"))
        tell_news(settings)
    assert [one["event"] for one in received] == ["failed"]


def test_a_repeat_of_a_completed_study_is_no_news(tmp_path: Path, study: StatusFile) -> None:
    with http_sink() as (port, received):
        settings = federation(tmp_path, webhook(port))
        tell_news(settings)
        for _ in range(2):
            again = StatusFile(study._path, study.status)
            tell_news(settings)
            again.complete()
            tell_news(settings)
    assert [one["event"] for one in received] == ["completed"]


def test_an_e_mail_has_sender_recipients_and_one_line(tmp_path: Path, study: StatusFile) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    with smtp_sink() as (port, received):
        settings = federation(tmp_path, mail(port, 'user = "fed"\npassword_file = "password"\n'))
        tell_news(settings)
        study.complete()
        tell_news(settings)
    (sent,) = received
    assert sent["from"] == "fed@example.org" and sent["to"] == ["ada@example.org", "bo@example.org"]
    assert base64.b64decode(sent["auth"]) == b"\0fed\0s3cret"
    read = message_from_string(sent["text"])
    assert read["Subject"] == "pneumofed lungs: study lungs-1 completed"
    assert "completed, 0 of 3 rounds done" in read.get_payload().replace("=\r\n", "")


def test_what_cannot_be_sent_is_a_line_without_the_address_and_nothing_else(
    tmp_path: Path, study: StatusFile, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        port, received = stack.enter_context(http_sink())
        settings = federation(tmp_path, webhook(port, "/broken") + mail(free_port()))
        tell_news(settings)
        study.complete()
        with caplog.at_level(logging.WARNING):
            tell_news(settings)
            tell_news(settings)
    assert len(received) == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "pneumofed"]
    assert lines == [
        "a notice by e-mail could not be sent: ConnectionRefusedError",
        "a notice by webhook could not be sent: HTTPStatusError",
    ]


def test_only_a_federation_that_wants_notices_has_the_process(tmp_path: Path) -> None:
    def names(settings: Federation) -> list[str]:
        folder = CoordinatorFolder(settings.state)
        for path in (folder.superexec_secret, folder.loopback):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        folder.proxy.mkdir(exist_ok=True)
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patch:
            patch.setattr("deploy.coordinator.serve.proxy_command", lambda _: ["proxy"])
            patch.setattr("deploy.coordinator.serve.write_proxy_configuration", lambda _: tmp_path)
            return [service.name for service in services(settings, tmp_path / "federation.toml")]

    without, wanted = federation(tmp_path, ""), federation(tmp_path, webhook(1))
    assert "notices" not in names(without) and names(wanted) == [*names(without), "notices"]
