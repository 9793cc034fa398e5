"""One study becomes one outcome, whatever happens in it."""

from pathlib import Path

import pytest

from preprocessing.labels import LabelledStudy
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from preprocessing.study_preparation import prepare_study as module
from preprocessing.study_preparation.patients import Patient
from preprocessing.study_preparation.prepare_study import StudyTask, prepare_study, source_of
from tests.support.chests import chest, write_series


@pytest.fixture
def store(tmp_path: Path) -> LobeStore:
    return LobeStore.create(tmp_path / "store", PreprocessingSettings())


def task(
    tmp_path: Path, name: str, store: LobeStore, *others: str, patient: Patient | None = None
) -> StudyTask:
    studies = [LabelledStudy(tmp_path / one, "covid", 2) for one in (name, *others)]
    return StudyTask(studies[0], patient, frozenset(source_of(one, store) for one in studies))


def test_two_scans_with_the_same_uids_are_both_kept(tmp_path: Path, store: LobeStore) -> None:
    for seed, name in enumerate("ab"):
        hu, _ = chest(14, 96 + 16 * seed)
        write_series(tmp_path / name, hu, series_uid="1.2.3", patient_id="ANON")
    first = prepare_study(task(tmp_path, "a", store, "b"), store)
    second = prepare_study(task(tmp_path, "b", store, "a"), store)
    assert (first.state, second.state) == ("added", "added") and first.key != second.key
    for name, key in (("b", second.key), ("a", first.key)):
        again = prepare_study(task(tmp_path, name, store), store)
        assert (again.state, again.key) == ("present", key)


def test_a_scan_in_a_second_folder_is_a_duplicate_and_in_a_renamed_one_is_not(
    tmp_path: Path, store: LobeStore
) -> None:
    write_series(tmp_path / "a", chest(14, 96)[0], series_uid="1.2.3")
    write_series(tmp_path / "b", chest(14, 96)[0], series_uid="1.2.3")
    key = prepare_study(task(tmp_path, "a", store, "b"), store).key
    (problem,) = prepare_study(task(tmp_path, "b", store, "a"), store).problems
    assert problem.code == "study-exists"
    renamed = prepare_study(task(tmp_path, "b", store), store)
    assert (renamed.state, renamed.key) == ("present", key)
    assert len(store.scans()) == 1


def test_the_patient_decides_fold_and_flag(tmp_path: Path, store: LobeStore) -> None:
    write_series(tmp_path / "a", chest(14, 96)[0])
    prepare_study(task(tmp_path, "a", store, patient=Patient("who", "no-patient-id")), store)
    (scan,) = store.scans()
    assert scan.fold == store.pseudonyms.fold("who") and "no-patient-id" in scan.flags


def test_a_fault_nobody_thought_of_is_the_studys_row(
    tmp_path: Path, store: LobeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path / "Doe^John", chest(14, 96)[0])

    def fails(*_: object) -> None:
        raise OverflowError("Doe^John")

    monkeypatch.setattr(module, "prepare_series", fails)
    (problem,) = prepare_study(task(tmp_path, "Doe^John", store), store).problems
    assert (problem.row, problem.code) == (2, "unexpected-fault")
    assert "OverflowError" in problem.reason and "Doe" not in problem.reason
