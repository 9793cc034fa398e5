"""Receipts: who uploaded what, the latest first; one that is damaged is none."""

from pathlib import Path

from client.reading_room.receipts import Receipts


def test_receipts_are_kept_until_they_are_removed(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path / "receipts")
    first = receipts.write("anna", "s1", 3, {"not-dicom": 1})
    second = receipts.write("berta", "s2", 4, {})
    assert first.id != second.id
    assert Receipts(tmp_path / "receipts").all() == [second, first]
    receipts.remove(first)
    receipts.remove(first)
    assert receipts.all() == [second]


def test_one_that_is_damaged_is_left_out_and_none_is_readable_by_others(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path)
    kept = receipts.write("anna", "s1", 3, {})
    (tmp_path / "damaged.json").write_text("{")
    assert receipts.all() == [kept]
    assert (tmp_path / f"{kept.id}.json").stat().st_mode & 0o77 == 0
