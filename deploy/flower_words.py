"""What Flower logs, in pneumofed's words: its own lines are for developers of Flower, in colours."""

import logging
import re
from collections.abc import Callable, Sequence

Words = Sequence[tuple[str, str | None]]
"""Pattern at a message's start, and what is logged in its place: None for nothing."""

CONNECTED = "connected to the coordinator"
SILENT = "the coordinator does not answer; trying again until it does"
REFUSED = "the coordinator does not take this hospital's key; `pneumofed hospital preflight` tells more"

HOSPITAL: Words = (
    (r"Connection attempt failed", SILENT),
    (r"Connection successful|SuperNode ID", CONNECTED),
    (r"Exit Code: 305.*activate SuperNode", REFUSED),
    (
        r"Exit Code: 30[0-9]",
        "the coordinator could not be reached; `pneumofed hospital preflight` tells more",
    ),
    (r"Giving up reconnection", None),
)
"""Of a hospital's node."""

COORDINATOR: Words = (
    # A hospital's preflight asks with an interval that is refused, so that nothing changes.
    (r"\[/v1/fleet/.*\[?ApiError:2003", None),
    (r"\[/v1/fleet/.*\[?ApiError:2004", "a node whose key is not known (yet) was turned away"),
)
"""Of SuperLink."""

EXECUTOR: Words = ((r"Connection attempt failed|Giving up reconnection", None),)
"""Of processes that talk to a server on this machine, whose own log tells more."""

_UNTOLD = r"EXPERIMENTAL|The `.*` (flag|argument) is deprecated"


class FlowerWords(logging.Filter):
    """Replaces each known line by its words, once until another is logged; drops all others below WARNING.

    An unknown warning or error is passed on as "Flower: ..." without its traceback. told: gets each line.
    """

    def __init__(self, words: Words, told: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._told = told
        self._words = [(re.compile(pattern, re.DOTALL), text) for pattern, text in words]
        self._untold = re.compile(_UNTOLD)
        self._last: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged; its text and its logger's name become ours."""
        text = self._in_words(record)
        if text is None or text == self._last:
            return False
        self._last = record.msg = text
        if text in (SILENT, REFUSED) and record.levelno < logging.WARNING:  # for Flower it is a detail
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        if self._told is not None:
            self._told(text)
        record.args, record.exc_info, record.exc_text, record.name = (), None, None, "pneumofed"
        return True

    def _in_words(self, record: logging.LogRecord) -> str | None:
        message = record.getMessage()
        for pattern, text in self._words:
            if pattern.match(message):
                return text
        if record.levelno < logging.WARNING or self._untold.match(message):
            return None
        kind = record.exc_info[0] if record.exc_info else None
        return f"Flower: {message}" + (f" ({kind.__name__})" if kind else "")
