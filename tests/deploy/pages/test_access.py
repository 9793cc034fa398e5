"""Who may open a page."""

import pytest

from deploy.pages import access
from deploy.pages.access import (
    SESSION_S,
    Sessions,
    TokenLogin,
    Visitor,
    is_loopback_host,
    is_same_origin,
    new_token,
)


class Clock:
    """Time that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(access, "time", clock)
    return clock


def test_only_the_token_logs_in() -> None:
    login = TokenLogin("right")
    for token in ("wrong", "", "right x", "righ"):
        assert login.visitor({"token": token}) is None
    assert login.visitor({}) is None and login.visitor({"name": "right"}) is None
    assert login.visitor({"token": " right "}) is not None
    assert login.address == "/login?token=right"


def test_a_session_is_its_visitors_until_it_is_closed() -> None:
    sessions, visitor = Sessions(TokenLogin("t")), Visitor("ada")
    cookie = sessions.open(visitor)
    assert sessions.visitor(cookie) == visitor
    for other in (None, "", "t", cookie[:-1]):
        assert sessions.visitor(other) is None
    sessions.close(cookie)
    assert sessions.visitor(cookie) is None
    sessions.close(None)


def test_a_session_ends_by_itself(clock: Clock) -> None:
    sessions = Sessions(TokenLogin("t"))
    cookie = sessions.open(Visitor("ada"))
    clock.now += SESSION_S - 1
    assert sessions.visitor(cookie)
    clock.now += 2
    assert sessions.visitor(cookie) is None  # used or not


def test_a_session_that_is_not_used_ends_earlier(clock: Clock) -> None:
    login = TokenLogin("t")
    login.idle_s = 60  # type: ignore[misc]
    sessions = Sessions(login)
    cookie = sessions.open(Visitor("ada"))
    for _ in range(5):
        clock.now += 59
        assert sessions.visitor(cookie)
    for _ in range(2):  # looking on is no use
        clock.now += 31
        found = sessions.visitor(cookie, use=False)
    assert found is None and sessions.visitor(cookie) is None


def test_a_session_ends_when_its_visitor_may_not_come_any_more() -> None:
    class Lapsing(TokenLogin):
        current = True

        def is_current(self, visitor: Visitor) -> bool:
            return self.current

    login = Lapsing("t")
    sessions = Sessions(login)
    cookie = sessions.open(Visitor("ada"))
    assert sessions.visitor(cookie)
    login.current = False
    assert sessions.visitor(cookie) is None
    login.current = True
    assert sessions.visitor(cookie) is None  # for good


def test_sessions_are_bounded_and_the_oldest_goes_first() -> None:
    sessions = Sessions(TokenLogin("t"))
    cookies = [sessions.open(Visitor("ada")) for _ in range(300)]
    kept = [sessions.visitor(cookie) is not None for cookie in cookies]
    assert sum(kept) == 200 and kept == sorted(kept)


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 32


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8470", "localhost:1", "[::1]:8470", "[::1]"])
def test_loopback_names(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8470",
        "127.0.0.1.evil.example:80",
        "[::2]",
        "127.0.0.1:/static/",
        "127.0.0.1:1/static/?",
        "127.0.0.1:",
        "127.0.0.1:80:evil",
        "127.0.0.1:80\n",
    ],
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
        "http://[",
        "http://127.0.0.1:8470/",
    ):
        assert not is_same_origin(origin, "127.0.0.1:8470")
