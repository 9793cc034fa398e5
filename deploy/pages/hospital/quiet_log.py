"""Log lines without noise: the same message several times is one line with a number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

_TIME_CHARACTERS = len("2026-01-31 12:00:00,000")


@dataclass(frozen=True)
class QuietLine:
    """latest: time of the last one; times: how often in a row."""

    latest: str
    text: str
    times: int = 1


def quiet_lines(lines: Sequence[str]) -> list[QuietLine]:
    """lines: as the trainer logs them, the latest first. Neighbours that say the same are one."""
    found: list[QuietLine] = []
    for line in lines:
        when, text = line[:_TIME_CHARACTERS], line[_TIME_CHARACTERS:].strip()
        if found and found[-1].text == text:
            found[-1] = replace(found[-1], times=found[-1].times + 1)
        else:
            found.append(QuietLine(when, text))
    return found
