"""Patients by class of a store: patients, not scans."""

from pathlib import Path

from client.trainer.store_patients import patients_by_class, patients_of_store
from tests.support.stores import disk_store, scan_of


def test_a_patient_with_several_scans_counts_once_in_each_class() -> None:
    scans = [
        scan_of("a", "covid", fold=0.1),
        scan_of("b", "covid", fold=0.1),
        scan_of("c", "covid", fold=0.2),
    ]
    scans += [scan_of("d", "other", fold=0.1)]
    assert patients_by_class([record for record, _ in scans], 2) == {
        "healthy": None, "covid": 2, "other": None
    }  # fmt: skip


def test_a_store_that_cannot_be_read_is_not_counted(tmp_path: Path) -> None:
    store = disk_store(tmp_path / "store", [scan_of("a", "covid")])
    assert patients_of_store(store.path, 1) == {"healthy": None, "covid": 1, "other": None}
    (store.path / "studies" / "a" / "study.json").write_text("{")
    assert patients_of_store(store.path, 1) is None
    assert patients_of_store(tmp_path / "none", 1) is None
