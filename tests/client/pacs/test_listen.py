"""`hospital listen` as one process: what it says, and what it refuses."""

import threading
from pathlib import Path

import pytest

from client.pacs import listen as module
from client.pacs.inbox import Inbox, complete_studies
from client.pacs.listen import listen
from client.pacs.pacs_settings import PacsSettings
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from tests.support.diagnosed_scans import PATIENT
from tests.support.orthanc import free_port
from tests.support.pacs import call, settings_in, small_dataset
from tests.support.processes import wait_until


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set in place of a signal."""
    event = threading.Event()
    monkeypatch.setattr(module, "ending_on_signal", lambda: event)
    return event


def test_it_receives_completes_and_says_counts_alone(
    tmp_path: Path, ending: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pneumofed")
    settings = settings_in(tmp_path, port=free_port())
    assert settings.listen is not None
    thread = threading.Thread(target=listen, args=(settings,))
    thread.start()
    wait_until(lambda: "listening on port" in caplog.text, seconds=20)
    association = call(settings.listen.port)
    assert association.send_c_store(small_dataset()).Status == 0
    assert association.send_c_store(small_dataset(1, Modality="SR")).Status == 0
    association.release()
    wait_until(lambda: complete_studies(settings.inbox), seconds=20)
    wait_until(lambda: "so far kept 1, not-ct 1" in caplog.text, seconds=20)
    ending.set()
    thread.join(20)
    assert not thread.is_alive() and "complete: 1 more" in caplog.text
    said = "".join(one.getMessage() for one in caplog.records if one.name == "pneumofed")
    assert not [word for word in (*PATIENT.values(), "1.2.3") if word in said]


def test_a_full_disk_ends_nothing(
    tmp_path: Path, ending: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Inbox, "mark_quiet", full)
    thread = threading.Thread(target=listen, args=(settings_in(tmp_path, port=free_port()),))
    thread.start()
    wait_until(lambda: caplog.text.count("No space left on device") >= 2, seconds=20)
    ending.set()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.usefixtures("ending")
def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, port=free_port())
    with pytest.raises(PneumofedError) as caught:
        listen(PacsSettings())
    assert caught.value.code == "no-listen"
    with exclusive(Inbox(settings.inbox).incoming, create=False), pytest.raises(PneumofedError) as caught:
        listen(settings)
    assert caught.value.code == "inbox-busy"
    assert settings.listen is not None
    elsewhere = settings.listen.model_copy(update={"address": "192.0.2.1"})  # of no machine (RFC 5737)
    with pytest.raises(PneumofedError) as caught:
        listen(settings.model_copy(update={"listen": elsewhere}))
    assert caught.value.code == "listen-failed"
