"""Counts of a store under the floor, and nothing else of it."""

from pathlib import Path

from client.control.store_counts import store_counts
from tests.support.controlled_hospital import PATIENT, UID, written_hospital


def test_with_a_floor_of_one_all_that_there_is_is_counted(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    found = store_counts(hospital.store, 1)
    assert found.patients == {"healthy": 1, "covid": 4, "other": 3}
    assert found.doubtful == {
        "far-from-air": None, "outside-air": None, "sudden-change": 4, "side-missing": 1
    }  # fmt: skip
    assert found.refused == {"not-a-chest": 5, "too-few-slices": 1}  # rows, not problems
    text = found.model_dump_json()
    assert PATIENT not in text and UID not in text


def test_with_a_high_floor_no_number_is_left(tmp_path: Path) -> None:
    found = store_counts(written_hospital(tmp_path).store, 100)
    counts = [*found.patients.values(), *found.doubtful.values(), *found.refused.values()]
    assert len(counts) == 9 and set(counts) == {None}


def test_what_is_no_code_is_not_passed_on(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    (hospital.store / "rejected.csv").write_text(f"labels_row,code,reason\n2,{PATIENT},x\n3,not-a-chest,y\n")
    assert store_counts(hospital.store, 1).refused == {"not-a-chest": 1}
    (hospital.store / "rejected.csv").write_bytes(b"\xff\xfe\x00")
    assert store_counts(hospital.store, 1).refused == {}


def test_a_store_that_cannot_be_read_is_a_code(tmp_path: Path) -> None:
    assert store_counts(tmp_path / PATIENT, 1).problem == "store-missing"
