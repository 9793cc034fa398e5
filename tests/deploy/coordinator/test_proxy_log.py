"""nginx's lines are logged in words; a SuperLink that is away is told once."""

import logging

import pytest

from deploy.coordinator.proxy_log import NO_SUPERLINK, ProxyLog

PREFIX = "2026/11/30 13:00:01 [error] 4711#4712: *5 "
CLIENT = (
    ', client: 192.0.2.9, server: , request: "POST /v1/fleet/pull-messages HTTP/1.1", '
    'upstream: "https://127.0.0.1:9091/v1/fleet/pull-messages", host: "fed.example.org"'
)


def told(caplog: pytest.LogCaptureFixture, *lines: str) -> list[tuple[str, str]]:
    proxy_log = ProxyLog()
    with caplog.at_level(logging.INFO):
        for line in lines:
            proxy_log(line)
    return [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize(
    "message",
    [
        "connect() failed (111: Connection refused) while connecting to upstream",
        "recv() failed (104: Connection reset by peer) while reading response header from upstream",
        "upstream prematurely closed connection while reading response header from upstream",
        "upstream timed out (110: Connection timed out) while connecting to upstream",
        "peer closed connection in SSL handshake while SSL handshaking to upstream",
    ],
)
def test_a_superlink_that_is_away_is_told_once(caplog: pytest.LogCaptureFixture, message: str) -> None:
    assert told(caplog, *[PREFIX + message + CLIENT] * 3) == [("INFO", NO_SUPERLINK)]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "2026/11/30 13:00:01 [emerg] 1#1: bind() to 0.0.0.0:443 failed (98: Address already in use)",
            "proxy: bind() to 0.0.0.0:443 failed (98: Address already in use)",
        ),
        (
            f"{PREFIX}client intended to send too large body: 9000000 bytes{CLIENT}",
            f"proxy: client intended to send too large body: 9000000 bytes{CLIENT}",
        ),
        (
            f"{PREFIX}recv() failed (104: Connection reset by peer) while reading client request{CLIENT}",
            "proxy: recv() failed (104: Connection reset by peer) while reading client request" + CLIENT,
        ),
        ("nginx: something else", "proxy: nginx: something else"),
    ],
)
def test_what_else_is_wrong_is_a_warning(caplog: pytest.LogCaptureFixture, line: str, text: str) -> None:
    assert told(caplog, line, "") == [("WARNING", text)]
