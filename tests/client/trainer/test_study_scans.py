"""Which scans a study works on, by the records alone; tests/security/test_growing_store.py has the attack."""

from dataclasses import replace
from pathlib import Path

import pytest

from client.trainer.study_scans import scans_of_study
from preprocessing.store.scan_record import ScanRecord
from shared_model.errors import PneumofedError
from tests.support.stores import scan_of


def record(key: str, label: str = "covid") -> ScanRecord:
    return scan_of(key, label, slices=1)[0]


def keys(state: Path, scans: list[ScanRecord], study: str = "s", approved_at: float | None = 1.0) -> str:
    return " ".join(scan.key for scan in scans_of_study(state, study, approved_at, scans))


def test_later_scans_take_part_in_later_approvals(tmp_path: Path) -> None:
    early, all_scans = [record("a"), record("b")], [record("a"), record("b"), record("c")]
    assert keys(tmp_path, early) == keys(tmp_path, all_scans) == "a b"
    assert keys(tmp_path, all_scans, study="t") == "a b c"
    assert keys(tmp_path, all_scans, approved_at=2.0) == "a b c"


@pytest.mark.parametrize("changed", [[record("a")], [record("a"), record("b", "healthy")], []], ids=len)
def test_scans_that_are_gone_or_others_end_the_study_until_it_is_approved_again(
    tmp_path: Path, changed: list[ScanRecord]
) -> None:
    assert keys(tmp_path, [record("a"), record("b")]) == "a b"
    with pytest.raises(PneumofedError) as refused:
        keys(tmp_path, changed)
    assert refused.value.code == "scans-changed"
    assert keys(tmp_path, changed, approved_at=2.0) == " ".join(scan.key for scan in changed)


def test_a_part_that_changes_ends_a_study_that_tells_of_subgroups(tmp_path: Path) -> None:
    thin = replace(record("a"), thickness_mm=1.0)
    thinner, thick = replace(thin, thickness_mm=0.7), replace(thin, thickness_mm=5.0)
    for study, division in (("s", None), ("t", "manufacturer")):
        for scan in (thin, thick):
            assert scans_of_study(tmp_path, study, 1.0, [scan], division) == [scan]  # type: ignore[arg-type]
    for scan in (thin, thinner):
        assert scans_of_study(tmp_path, "u", 1.0, [scan], "slice-thickness") == [scan]
    with pytest.raises(PneumofedError) as refused:
        scans_of_study(tmp_path, "u", 1.0, [thick], "slice-thickness")
    assert refused.value.code == "scans-changed"
    assert scans_of_study(tmp_path, "u", 2.0, [thick], "slice-thickness") == [thick]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"approved_at": 1.0, "labels": 3}', "\udcff"])
def test_a_damaged_file_is_said(tmp_path: Path, content: str) -> None:
    keys(tmp_path, [record("a")])
    (tmp_path / "scans" / "s.json").write_text(content, errors="surrogateescape")
    with pytest.raises(PneumofedError) as refused:
        keys(tmp_path, [record("a")])
    assert refused.value.code == "state-damaged"
