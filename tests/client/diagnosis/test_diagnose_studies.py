"""Many studies in one call: a failure is a row, a stopped call goes on, nothing of one is another's."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from client.diagnosis import diagnose_studies as module
from client.diagnosis import diagnosis_output
from client.diagnosis.diagnose import LoadedModel
from client.diagnosis.diagnose_folder import diagnose_folder, load_for_diagnosis
from client.diagnosis.diagnose_studies import StudiesReport, diagnose_studies
from preprocessing.study_preparation.separate_studies import separate_studies
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.saved_model import save_model
from tests.support.diagnosed_scans import PATIENT, card, write_series
from tests.support.initial_weights import initial_weights

STUDIES = {
    "now": {"StudyInstanceUID": "1.3.1", "StudyDate": "20210309"},
    "then": {"StudyInstanceUID": "1.3.2", "StudyDate": "20210301"},
    "other": {"StudyInstanceUID": "1.3.3", "PatientID": "MRN-1"},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, initial_weights(card().study), card())
    return load_for_diagnosis(folder, "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for name, tags in STUDIES.items():
        write_series(folder / name, **tags)
    (folder / "broken").mkdir()
    (folder / "broken" / "letter.txt").write_text("Quillfeather")
    return folder


@pytest.fixture
def studies(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(diagnosis_output, "pictures", lambda diagnosis: {"slice-01.png": b"drawn"})
    return Path(shutil.copytree(made, tmp_path / "studies"))


def run(studies: Path, model: LoadedModel, out: Path) -> StudiesReport:
    return diagnose_studies(studies, separate_studies(studies), model, out)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The studies that were diagnosed, and not taken from an earlier call."""
    names: list[str] = []

    def noted(folder: Path, *rest: object, **more: object) -> object:
        names.append(folder.name)
        return diagnose_folder(folder, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "diagnose_folder", noted)
    return names


def test_each_study_has_its_results_or_its_reason(studies: Path, model: LoadedModel, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    out = tmp_path / "out"
    report = diagnose_studies(
        studies, separate_studies(studies), model, out, progress=lambda *step: seen.append(step)
    )
    assert (report.diagnosed, report.present, report.failed) == (3, 0, 1)
    assert seen == [(number, 4) for number in range(1, 5)]
    for name in STUDIES:
        alone = diagnose_folder(studies / name, model, tmp_path / "alone")
        assert json.loads((out / name / "diagnosis.json").read_text()) | {"timing": None} == alone | {
            "timing": None
        }
    assert not (out / "broken").exists()
    with (out / "worklist.csv").open(newline="") as file:
        rows = {row["study"]: row for row in csv.DictReader(file)}
    assert [row.study for row in report.rows] == list(rows)
    assert rows["broken"]["code"] == "no-series" and str(studies) not in rows["broken"]["reason"]
    assert rows["now"]["earlier_study"] == "then" and rows["now"]["earlier_days"] == "8"
    assert rows["then"]["earlier_study"] == rows["other"]["earlier_study"] == ""
    words = [value for tags in (PATIENT, *STUDIES.values()) for value in tags.values()]
    written = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert not [word for word in [*words, "Quillfeather"] if word.encode() in written]


def test_what_is_done_is_not_done_again_unless_its_files_or_the_model_change(
    studies: Path, model: LoadedModel, tmp_path: Path, done: list[str]
) -> None:
    out = tmp_path / "out"
    first = run(studies, model, out)
    assert sorted(done) == ["broken", "now", "other", "then"]
    done.clear()
    again = run(studies, model, out)
    assert again.rows == first.rows and (again.diagnosed, again.present, again.failed) == (0, 3, 1)
    assert done == ["broken"]
    (studies / "now" / "000.dcm").touch()
    done.clear()
    assert run(studies, model, out).diagnosed == 1 and "now" in done
    newer = card().model_copy(update={"trained_on": "Other patients."})
    save_model(tmp_path / "newer", initial_weights(card().study), newer)
    assert run(studies, load_for_diagnosis(tmp_path / "newer", "cpu"), out).diagnosed == 3


def test_a_study_without_its_dicom_results_is_done_again_if_they_are_asked_for(
    studies: Path, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_output, "pictures", lambda diagnosis: {})
    for name in ("other", "broken"):
        shutil.rmtree(studies / name)
    found = separate_studies(studies)
    assert diagnose_studies(studies, found, model, tmp_path / "out").diagnosed == 2
    assert diagnose_studies(studies, found, model, tmp_path / "out", dicom=True).diagnosed == 2
    assert diagnose_studies(studies, found, model, tmp_path / "out", dicom=True).present == 2
    assert diagnose_studies(studies, found, model, tmp_path / "out").present == 2


def test_a_stopped_call_goes_on_where_it_was(
    studies: Path, model: LoadedModel, tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = diagnosis_output.write_atomically

    def stopped(path: Path, data: bytes) -> None:
        if path.parent.name == "then" and path.name == "diagnosis.json":
            raise KeyboardInterrupt
        write(path, data)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(diagnosis_output, "write_atomically", stopped)
        run(studies, model, tmp_path / "out")
    assert len((tmp_path / "out" / "worklist.csv").read_text().splitlines()) == 4  # header and three studies
    done.clear()
    assert run(studies, model, tmp_path / "out").present == 2
    assert done == ["broken", "then"]


def test_results_of_other_files_do_not_stay(studies: Path, model: LoadedModel, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(studies, model, out)
    shutil.rmtree(studies / "now")
    (studies / "now").mkdir()
    (out / "now" / "notes.txt").write_text("mine")
    report = run(studies, model, out)
    assert report.failed == 2 and [path.name for path in (out / "now").iterdir()] == ["notes.txt"]


def test_whatever_happens_in_one_study_is_its_row(
    studies: Path, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(folder: Path, *_: object, **__: object) -> object:
        raise (
            RuntimeError("Quillfeather") if folder.name == "now" else OSError(5, "Quillfeather", str(folder))
        )

    monkeypatch.setattr(module, "diagnose_folder", fails)
    report = run(studies, model, tmp_path / "out")
    assert {row.code for row in report.rows} == {"unexpected-fault"} and report.failed == 4
    assert "Quillfeather" not in (tmp_path / "out" / "worklist.csv").read_text()

    def full(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "diagnose_folder", full)
    with pytest.raises(OSError, match="No space"):
        run(studies, model, tmp_path / "out")


def test_wrong_places(studies: Path, model: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(PneumofedError) as caught:
        run(studies, model, studies / "out")
    assert caught.value.code == "out-inside" and not (studies / "out").exists()
    (tmp_path / "out").mkdir()
    with exclusive(tmp_path / "out", create=False), pytest.raises(PneumofedError) as caught:
        run(studies, model, tmp_path / "out")
    assert caught.value.code == "out-busy"
