"""What `find_series` accepts and refuses in a folder."""

from pathlib import Path

from preprocessing.reading.series import CtSeries, find_series


def refusal_codes(folder: Path) -> list[str]:
    return [one.code for one in find_series(folder).refused]


def accepted_series(folder: Path) -> list[CtSeries]:
    """All series of a folder in which nothing is refused."""
    report = find_series(folder)
    assert not report.refused
    return list(report.accepted)
