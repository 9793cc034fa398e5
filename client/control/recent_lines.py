"""The trainer's last log lines, in memory, for the hospital's page."""

import logging
from collections import deque

from client.control.documents import MOST_LINES

LONGEST_LINE = 2000


class RecentLines(logging.Handler):
    """Keeps the last MOST_LINES lines as its formatter makes them; others read them from other threads."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=MOST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record)[:LONGEST_LINE])

    def latest_first(self) -> list[str]:
        self.acquire()
        try:
            return list(reversed(self._lines))
        finally:
            self.release()
