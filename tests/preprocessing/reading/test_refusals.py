"""The page that lists all codes says what the code says, and every code is used."""

import re
from pathlib import Path

import pytest

from preprocessing.reading.refusals import FILE_REFUSALS, FLAGS, SCAN_REFUSALS, SERIES_REFUSALS, reason

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reading.md").read_text()
TABLES = {
    "Refused files": FILE_REFUSALS,
    "Refused series": SERIES_REFUSALS,
    "Refused scans": SCAN_REFUSALS,
    "Flags": FLAGS,
}


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_and_the_code_list_the_same(heading: str) -> None:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+?) \|$", section, re.MULTILINE))
    assert rows == TABLES[heading]


def test_every_code_is_used_somewhere() -> None:
    modules = (ROOT / "preprocessing").rglob("*.py")
    text = "\n".join(path.read_text() for path in modules if path.name != "refusals.py")
    unused = [code for table in TABLES.values() for code in table if f'"{code}"' not in text]
    assert not unused


def test_a_reason_is_one_line_with_what_was_found_first() -> None:
    for table in (FILE_REFUSALS, SERIES_REFUSALS, SCAN_REFUSALS):
        assert all("\n" not in sentence and "|" not in sentence for sentence in table.values())
        assert all(";" in sentence for sentence in table.values())  # the case; the remedy
    assert reason("too-few-slices", "3").startswith("3: too few slices")
    with pytest.raises(KeyError):
        reason("no-such-code")
