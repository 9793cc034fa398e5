"""Live parts: everything once, then what changed, rendered once for all who view."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator

import pytest

from deploy.pages import live
from deploy.pages.live import LiveParts, Parts


class Source:
    """Parts that a test sets, and how often they were looked at and rendered."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {"a": "1", "b": "1"}
        self.looks, self.renders = 0, 0

    def look(self) -> object:
        self.looks += 1
        return tuple(self.parts.items())

    def render(self) -> Parts:
        self.renders += 1
        return dict(self.parts)


async def message(events: AsyncIterator[bytes]) -> dict[str, str]:
    """The next message that holds data."""
    async for event in events:
        if event.startswith(b"data: "):
            found: dict[str, str] = json.loads(event[6:])
            return found
    raise AssertionError("the stream ended")


def test_a_viewer_gets_all_parts_and_then_those_that_changed() -> None:
    async def view() -> None:
        source = Source()
        events = LiveParts(source.look, source.render).events(threading.Event())
        assert await message(events) == {"a": "1", "b": "1"}
        source.parts["b"] = "<2>\n"
        assert await message(events) == {"b": "<2>\n"}

    asyncio.run(asyncio.wait_for(view(), 20))


def test_fifty_viewers_cost_one_rendering() -> None:
    async def view() -> None:
        source = Source()
        parts = LiveParts(source.look, source.render)
        viewers = [parts.events(threading.Event()) for _ in range(50)]
        assert await asyncio.gather(*map(message, viewers)) == [{"a": "1", "b": "1"}] * 50
        source.parts["a"] = "2"
        assert await asyncio.gather(*map(message, viewers)) == [{"a": "2"}] * 50
        assert source.renders == 2

    asyncio.run(asyncio.wait_for(view(), 20))


def test_nothing_is_looked_at_while_nobody_views() -> None:
    async def view() -> None:
        source = Source()
        parts = LiveParts(source.look, source.render)
        events = parts.events(threading.Event())
        await message(events)
        await events.aclose()  # type: ignore[attr-defined]
        watching = parts._watching
        assert watching is not None
        await watching  # it ends by itself
        looks = source.looks
        assert looks >= 1
        again = parts.events(threading.Event())
        await message(again)
        assert source.looks > looks

    asyncio.run(asyncio.wait_for(view(), 20))


def test_a_quiet_stream_is_kept_alive(monkeypatch: object) -> None:
    live_s, live.KEEP_ALIVE_S = live.KEEP_ALIVE_S, 0.05

    async def view() -> None:
        source = Source()
        events = LiveParts(source.look, source.render).events(threading.Event())
        await message(events)
        assert (await anext(events)).startswith(b": ")

    try:
        asyncio.run(asyncio.wait_for(view(), 20))
    finally:
        live.KEEP_ALIVE_S = live_s


def test_streams_end_with_the_server() -> None:
    async def view() -> None:
        source, ending = Source(), threading.Event()
        events = LiveParts(source.look, source.render).events(ending)
        await message(events)
        ending.set()
        assert [event async for event in events] in ([], [b": still here\n\n"])

    asyncio.run(asyncio.wait_for(view(), 20))


@pytest.mark.parametrize("fails_at", ["look", "render"])
def test_a_stream_ends_that_would_go_on_showing_what_was(
    fails_at: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise OSError("/planted/path")

    async def view() -> None:
        source = Source()
        parts = LiveParts(lambda: source.look(), lambda: source.render())
        events = parts.events(threading.Event())
        await message(events)
        monkeypatch.setattr(source, fails_at, fails)
        source.parts["a"] = "2"
        assert [event async for event in events] == []  # the browser says so, and asks again
        monkeypatch.undo()
        assert await message(parts.events(threading.Event())) == {"a": "2", "b": "1"}

    asyncio.run(asyncio.wait_for(view(), 10))
    (record,) = caplog.records
    assert "planted" not in record.getMessage()
