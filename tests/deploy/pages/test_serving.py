"""A page as the command serves it: its address, its end, a port that is taken."""

import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from deploy.pages.access import TokenLogin
from deploy.pages.page_app import PageApp
from deploy.pages.serving import serve_page
from shared_model.errors import PneumofedError
from tests.support.page_client import logged_in
from tests.support.processes import pneumofed, running, wait_until
from tests.support.watched_study import WatchedStudy


def test_a_port_that_is_taken_is_told_with_a_remedy() -> None:
    pages = PageApp("deploy.pages.coordinator", login=TokenLogin("t"), heading="", navigation=[])
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PneumofedError, match="--port") as refusal:
            serve_page(pages, other.getsockname()[1], print)
    assert refusal.value.code == "port-taken"


def test_the_command_prints_an_address_that_logs_in_and_ends_quietly(tmp_path: Path) -> None:
    study, out = WatchedStudy(tmp_path), tmp_path / "view.out"
    with running(pneumofed("coordinator", "view", study.file, "--port", "0"), out) as view:
        wait_until(lambda: "open http" in out.read_text(), seconds=60, what="the address")
        address, token = re.findall(r"open (http://127\.0\.0\.1:\d+)/login\?token=(\S+)", out.read_text())[0]
        with logged_in(address, token) as client, client.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("data: ")
            view.send_signal(signal.SIGINT)
            with pytest.raises((StopIteration, httpx.RemoteProtocolError)):
                while True:
                    next(lines)
        assert view.wait(timeout=20) in (0, 130, -signal.SIGINT)
    assert "Traceback" not in out.read_text() and "rror" not in out.read_text()
