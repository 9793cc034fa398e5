"""Logging of long-running processes: to stderr, where their service manager keeps it, one line a record."""

import logging
import sys
from traceback import walk_tb
from typing import Any

from deploy.flower_words import FlowerWords
from shared_model.printable_text import escape

LONGEST = 300
"""Characters of a message; a library's may be pages."""


class OneLine(logging.Formatter):
    """Messages without line breaks and control characters, and of an exception its type and where it was.

    Its text is left out, as it may quote what another party sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        message = _short(escape(" ".join(record.getMessage().split())))
        line = f"{self.formatTime(record)} {record.name} {record.levelname} {message}"
        if not record.exc_info or record.exc_info[0] is None:
            return line
        kind, _, trace = record.exc_info
        places = [f"{frame.f_globals.get('__name__', '?')} {at}" for frame, at in walk_tb(trace)]
        return f"{line}: {kind.__name__} in {', '.join(reversed(places))}"


def log_to_stderr(*others: logging.Handler) -> None:
    """Log what pneumofed says, and of its libraries warnings; to `others` in the same lines."""
    handlers = [logging.StreamHandler(), *others]
    for handler in handlers:
        handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=handlers)
    logging.getLogger("pneumofed").setLevel(logging.INFO)


def log_flower(words: FlowerWords) -> None:
    """After `log_to_stderr`: let Flower and its web server log through it, Flower in `words`."""
    import uvicorn.config
    from flwr.supercore.logger import FLOWER_LOGGER

    for handler in list(FLOWER_LOGGER.handlers):
        FLOWER_LOGGER.removeHandler(handler)
    FLOWER_LOGGER.addFilter(words)
    FLOWER_LOGGER.propagate = True
    uvicorn.config.LOGGING_CONFIG.update(_UNCHANGED)
    if (superlink := sys.modules.get("flwr.superlink.cli.flower_superlink")) is not None:
        superlink.get_uvicorn_log_config = lambda level: _UNCHANGED  # type: ignore[attr-defined]


_UNCHANGED: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {},
}
"""A configuration of logging that leaves everything as it is."""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
