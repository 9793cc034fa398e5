"""The trainer's last lines: bounded in number and length."""

import logging

from client.control.documents import MOST_LINES
from client.control.recent_lines import LONGEST_LINE, RecentLines


def test_the_last_lines_are_kept_the_latest_first() -> None:
    lines = RecentLines()
    for number in range(MOST_LINES + 3):
        lines.handle(logging.LogRecord("t", logging.INFO, "", 1, "line %d", (number,), None))
    found = lines.latest_first()
    assert len(found) == MOST_LINES
    assert (found[0], found[-1]) == (f"line {MOST_LINES + 2}", "line 3")


def test_a_long_line_is_cut() -> None:
    lines = RecentLines()
    lines.handle(logging.LogRecord("t", logging.INFO, "", 1, "x" * 10_000, (), None))
    assert len(lines.latest_first()[0]) == LONGEST_LINE
