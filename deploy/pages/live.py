"""Parts of a page that follow what they show, by server-sent events, rendered once for all viewers."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Hashable, Mapping

log = logging.getLogger("pneumofed")

LOOK_S = 0.1  # how often is looked for a change
KEEP_ALIVE_S = 15.0

Parts = Mapping[str, str]
"""HTML by the id of the element that holds it."""


class LiveParts:
    """Streams parts to viewers: all when one connects, then those that changed.

    look: cheap; its result differs when the parts may differ. render: makes all parts. Both run in threads,
    and only while somebody views.
    """

    def __init__(self, look: Callable[[], Hashable], render: Callable[[], Parts]) -> None:
        self._look, self._render = look, render
        self._viewers = 0
        self._parts: Parts = {}
        self._changed = asyncio.Condition()
        self._watching: asyncio.Task[None] | None = None

    async def events(self, ending: threading.Event) -> AsyncIterator[bytes]:
        """The stream of one viewer, as text/event-stream, until `ending` is set.

        Also until looking or rendering fails: the viewer's browser then asks again, and shows that it waits.
        """
        self._viewers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(ending))
        watching = self._watching
        seen: Parts = {}
        try:
            while not (ending.is_set() or watching.done()):
                parts = await self._next(seen)
                if seen and not parts:
                    return
                changed = {name: part for name, part in parts.items() if seen.get(name) != part}
                yield f"data: {json.dumps(changed)}\n\n".encode() if changed else b": still here\n\n"
                seen = parts
        finally:
            self._viewers -= 1

    async def _next(self, seen: Parts) -> Parts:
        """The parts, as soon as they differ from `seen`; the same after KEEP_ALIVE_S."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: self._parts != seen), KEEP_ALIVE_S)
            except TimeoutError:
                return seen
            return self._parts

    async def _watch(self, ending: threading.Event) -> None:
        """Look and render until nobody views."""
        before: Hashable = None
        try:
            while self._viewers and not ending.is_set():
                now = await asyncio.to_thread(self._look)
                if now != before or not self._parts:
                    parts, before = await asyncio.to_thread(self._render), now
                    async with self._changed:
                        self._parts = parts
                        self._changed.notify_all()
                await asyncio.sleep(LOOK_S)
        except Exception as error:  # such as a disk that fails: logged without its text
            log.error("what a page shows live cannot be looked at", exc_info=error)
        finally:
            async with self._changed:
                self._parts = {}  # whoever comes later is not shown what was
                self._changed.notify_all()
