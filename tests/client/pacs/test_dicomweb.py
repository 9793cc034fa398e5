"""STOW-RS: delivered only if the answer names each object; answers are bounded in size and time."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from client.pacs.delivery_errors import RefusedError, UndeliveredError, UnreachableError
from client.pacs.dicomweb import AnswerTooLargeError, dicomweb_client, send_by_stow
from client.pacs.pacs_settings import DicomWebSettings
from shared_model.errors import PneumofedError
from tests.support.orthanc import free_port
from tests.support.pacs import small_dataset

OBJECTS = [small_dataset(number) for number in range(3)]


def answer(*stored: int, failed: bool = False) -> bytes:
    """PS3.18 10.5.3 as DICOM JSON."""
    named = [{"00081155": {"vr": "UI", "Value": [f"1.2.3.{number}"]}} for number in stored]
    document: dict[str, object] = {"00081199": {"vr": "SQ", "Value": named}}
    if failed:
        document["00081198"] = {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3.9"]}}]}
    return json.dumps(document).encode()


@contextmanager
def pacs(status: int, body: bytes, *, claims: int | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """One that answers every request so; its address and the heads and bodies that it was sent. claims: more
    bytes than it sends.
    """
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent.append(str(self.headers).encode() + self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", str(claims or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(url: str, **changes: object) -> DicomWebSettings:
    return DicomWebSettings.model_validate({"url": url, "timeout_s": 1, **changes})


def test_all_that_were_sent_are_named_in_the_answer(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n")
    with pacs(200, answer(0, 1, 2)) as (url, sent):
        send_by_stow(OBJECTS, settings(url, user="node", password_file=tmp_path / "secret"))
    assert len(sent) == 1 and sent[0].count(b"DICM") == 3
    assert b"Basic bm9kZTpvcGVuIHNlc2FtZQ==" in sent[0]  # node:open sesame


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, answer(0, 1), "not-confirmed"),
        (200, answer(0, 1, 2, failed=True), "not-confirmed"),
        (202, answer(0, 1), "not-confirmed"),
        (200, b"", "not-confirmed"),
        (200, b"Quillfeather", "bad-answer"),
        (409, answer(), "http-409"),
        (401, b"", "http-401"),
        (500, b"", "http-500"),
        (307, b"", "bad-answer"),
    ],
)
def test_anything_else_is_a_refusal(status: int, body: bytes, code: str) -> None:
    with pacs(status, body) as (url, _), pytest.raises(RefusedError) as caught:
        send_by_stow(OBJECTS, settings(url))
    assert caught.value.code == code


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_before_a_pacs_that_is_away_is_no_refusal(status: int) -> None:
    with pacs(status, b"") as (url, _), pytest.raises(UnreachableError):
        send_by_stow(OBJECTS, settings(url))


def test_nobody_there_is_no_refusal() -> None:
    with pytest.raises(UnreachableError):
        send_by_stow(OBJECTS, settings(f"http://127.0.0.1:{free_port()}"))


def test_an_answer_that_stalls_is_given_up() -> None:
    with pacs(200, b"[", claims=100) as (url, _), pytest.raises(UndeliveredError) as caught:
        send_by_stow(OBJECTS, settings(url))
    assert caught.value.code == "unreachable"


def test_an_answer_without_end_is_given_up() -> None:
    with pacs(200, b"[" + bytes(3 << 20)) as (url, _):
        client = dicomweb_client(settings(url, max_object_mb=1))
        with pytest.raises(AnswerTooLargeError):
            client.search_for_studies()
        with pytest.raises(RefusedError, match="bad-answer"):
            send_by_stow(OBJECTS, settings(url, max_object_mb=1))


def test_the_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with pacs(200, answer(0, 1, 2)) as (url, sent):
        send_by_stow(OBJECTS, settings(url))
    assert len(sent) == 1


def test_a_missing_password_is_said(tmp_path: Path) -> None:
    wrong = settings("http://127.0.0.1:9", user="node", password_file=tmp_path / "absent")
    with pytest.raises(PneumofedError) as caught:
        dicomweb_client(wrong)
    assert caught.value.code == "password-missing"
    assert issubclass(AnswerTooLargeError, requests.RequestException)
