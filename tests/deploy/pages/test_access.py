"""Who may open a page."""

import pytest

from deploy.pages import access
from deploy.pages.access import SESSION_S, Sessions, is_loopback_host, is_same_origin, new_token


def test_only_the_token_opens_a_session() -> None:
    sessions = Sessions("right")
    assert sessions.open("wrong") is None and sessions.open("") is None and sessions.open("right ") is None
    cookie = sessions.open("right")
    assert cookie is not None and sessions.is_open(cookie)
    assert not sessions.is_open(None) and not sessions.is_open("") and not sessions.is_open("right")
    sessions.close(cookie)
    assert not sessions.is_open(cookie)


def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(access.time, "monotonic", lambda: now)
    sessions = Sessions("t")
    cookie = sessions.open("t")
    now += SESSION_S - 1
    assert sessions.is_open(cookie)
    now += 2
    assert not sessions.is_open(cookie)


def test_sessions_are_bounded_and_the_oldest_goes_first() -> None:
    sessions = Sessions("t")
    cookies = [sessions.open("t") for _ in range(300)]
    kept = [sessions.is_open(cookie) for cookie in cookies]
    assert sum(kept) == 200 and kept == sorted(kept)


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 32


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8470", "localhost:1", "[::1]:8470", "[::1]"])
def test_loopback_names(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "evil.example:8470", "127.0.0.1.evil.example:80", "[::2]"]
)
def test_other_names_reach_nothing(host: str | None) -> None:
    assert not is_loopback_host(host)


def test_a_form_comes_from_the_page_itself() -> None:
    assert is_same_origin("http://127.0.0.1:8470", "127.0.0.1:8470")
    for origin in (
        None,
        "null",
        "http://127.0.0.1:9",
        "https://evil.example",
        "http://127.0.0.1:8470.evil.example",
    ):
        assert not is_same_origin(origin, "127.0.0.1:8470")
