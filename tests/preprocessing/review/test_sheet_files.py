"""Sheets and doubts of a store: written, read, damaged, and removed with their scans."""

import json
from pathlib import Path

import pytest
from PIL import Image

from preprocessing.review.scan_doubts import find_doubts
from preprocessing.review.sheet_files import RULES, read_doubts, remove_sheets_of_others, write_sheet
from tests.support.segmented_scans import whole_chest, without_side

SCAN = without_side(whole_chest(pixel_mm=3.0), 1, {5})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_sheet(tmp_path, "a1", SCAN)
    return tmp_path


def test_what_is_written_is_read(store: Path) -> None:
    assert read_doubts(store, "a1") == find_doubts(SCAN)
    assert find_doubts(SCAN).doubtful_slices == [5]
    with Image.open(store / "sheets" / "a1.jpg") as picture:
        assert picture.format == "JPEG"
    assert sorted(path.name for path in store.rglob("*")) == ["a1.jpg", "a1.json", "sheets"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"rules": 1}', b'{"rules": 1, "slices": 3, "doubts": 1}']
)
def test_damaged_doubts_are_none(store: Path, content: bytes) -> None:
    (store / "sheets" / "a1.json").write_bytes(content)
    assert read_doubts(store, "a1") is None


def test_doubts_of_other_rules_or_without_a_picture_are_none(store: Path) -> None:
    path = store / "sheets" / "a1.json"
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({**record, "rules": RULES + 1}))
    assert read_doubts(store, "a1") is None
    path.write_text(json.dumps(record))
    assert read_doubts(store, "a1") is not None
    (store / "sheets" / "a1.jpg").unlink()
    assert read_doubts(store, "a1") is None
    assert read_doubts(store, "b2") is None


def test_sheets_go_with_their_scans(store: Path) -> None:
    write_sheet(store, "b2", SCAN)
    (store / "sheets" / "note.txt").write_text("kept: not ours")
    remove_sheets_of_others(store, ["b2"])
    assert sorted(path.name for path in (store / "sheets").iterdir()) == ["b2.jpg", "b2.json", "note.txt"]
    remove_sheets_of_others(store / "nowhere", [])
