"""`diagnose` from DICOM files to a folder: whole or not at all, and without the patient's name."""

import errno
import gzip
import json
import time
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from client.diagnosis import diagnosis_output
from client.diagnosis.diagnose import LoadedModel
from client.diagnosis.diagnose_folder import diagnose_folder, load_for_diagnosis
from client.diagnosis.viewing_file import open_viewing_file
from preprocessing.lungs.lobes import SIDES
from shared_model.errors import PneumofedError
from shared_model.saved_model import save_model
from tests.support.diagnosed_scans import PATIENT, card, write_series
from tests.support.initial_weights import initial_weights

FILES = ["attention.npz", "diagnosis.json", "overview.png", "slice-01.png", "slice-02.png", "slice-03.png"]


@pytest.fixture(scope="module")
def folder_of_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, initial_weights(card().study), card())
    return folder


@pytest.fixture(scope="module")
def model(folder_of_model: Path) -> LoadedModel:
    return load_for_diagnosis(folder_of_model, "cpu")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("Quillfeather") / "MRN-7730415")


@pytest.fixture
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that look at files, not at what is drawn in them."""
    drawn = {name: b"drawn" for name in FILES[2:]}
    monkeypatch.setattr(diagnosis_output, "pictures", lambda diagnosis: drawn)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_names_no_patient(series: Path, model: LoadedModel, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    document = diagnose_folder(series, model, tmp_path / "out", on_step=lambda *step: seen.append(step))
    assert names(tmp_path / "out") == FILES
    assert json.loads((tmp_path / "out" / "diagnosis.json").read_text()) == document
    assert len(document["slices"]) == 14
    planted = [*PATIENT.values(), *PATIENT["PatientName"].split("^"), "1.2.826", str(series)]
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        assert not [word for word in planted if word.encode() in content]
    lobes = sum(one[side]["probability"] is not None for one in document["slices"] for side in SIDES)
    headers, lungs, batches, results = seen[:14], seen[14], seen[15:-1], seen[-1]
    assert headers == [("headers", number, 14) for number in range(1, 15)]
    assert (lungs, results) == (("lungs", 0, 1), ("results", 0, 1))
    assert {(step, total) for step, _, total in batches} == {("networks", lobes)}
    assert batches.count(("networks", lobes, lobes)) == 1


@pytest.mark.usefixtures("quick_pictures")
def test_a_second_run_replaces_the_first_and_spares_other_files(
    series: Path, model: LoadedModel, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    first = diagnose_folder(series, model, tmp_path)
    (tmp_path / "slice-01.png").write_bytes(b"stale")
    assert diagnose_folder(series, model, tmp_path) | {"timing": None} == first | {"timing": None}
    assert names(tmp_path) == sorted([*FILES, "notes.txt"])
    assert (tmp_path / "slice-01.png").read_bytes() == b"drawn"


def test_dicom_results_are_written_if_asked_for_and_go_with_the_diagnosis(
    series: Path, model: LoadedModel, tmp_path: Path
) -> None:
    diagnose_folder(series, model, tmp_path, dicom=True)
    pictures = [f"picture-{number:02d}.dcm" for number in range(1, 5)]
    assert names(tmp_path / "dicom") == ["label-map.dcm", *pictures, "report.dcm", "segmentation.dcm"]
    (tmp_path / "dicom" / "mine.dcm").write_bytes(b"mine")
    diagnose_folder(series, model, tmp_path)
    assert names(tmp_path / "dicom") == ["mine.dcm"]


@pytest.mark.usefixtures("quick_pictures")
def test_viewing_zip_is_written_if_asked_for_before_the_document_and_goes_with_the_diagnosis(
    series: Path, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, there = diagnosis_output.write_atomically, []

    def noted(path: Path, data: bytes) -> None:
        there.append((path.name, (path.parent / "viewing.zip").exists()))
        write(path, data)

    monkeypatch.setattr(diagnosis_output, "write_atomically", noted)
    diagnose_folder(series, model, tmp_path, viewing=True)
    assert names(tmp_path) == sorted([*FILES, "viewing.zip"])
    assert dict(there)["diagnosis.json"] and there[-1][0] == "diagnosis.json"
    stored = np.array([dcmread(path).pixel_array for path in sorted(series.iterdir())])
    viewing = open_viewing_file(tmp_path)
    slices = [gzip.decompress(viewing.gzipped("hu", index)) for index in range(14)]
    assert b"".join(slices) == stored.astype("<i2").tobytes()
    planted = [*PATIENT.values(), *PATIENT["PatientName"].split("^"), "1.2.826", str(series)]
    content = (tmp_path / "viewing.zip").read_bytes()
    assert not [word for word in planted if word.encode() in content]
    diagnose_folder(series, model, tmp_path)
    assert names(tmp_path) == FILES


def test_a_scan_that_can_carry_no_dicom_results_is_refused_before_it_is_diagnosed(
    model: LoadedModel, tmp_path: Path
) -> None:
    scan = write_series(tmp_path / "scan", FrameOfReferenceUID="")
    with pytest.raises(PneumofedError) as caught:
        diagnose_folder(scan, model, tmp_path / "out", dicom=True)
    assert caught.value.code == "dicom-source" and not (tmp_path / "out").exists()


@pytest.mark.usefixtures("quick_pictures")
def test_a_full_disk_leaves_nothing_half_written(
    series: Path, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = diagnosis_output.write_atomically, []

    def full(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(diagnosis_output, "write_atomically", full)
    with pytest.raises(OSError, match="No space"):
        diagnose_folder(series, model, tmp_path / "out")
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("kind", ["absent", "empty", "text"])
def test_no_series(kind: str, model: LoadedModel, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    if kind != "absent":
        folder.mkdir()
    if kind == "text":
        (folder / "readme.txt").write_text("no scan")
    with pytest.raises(PneumofedError) as caught:
        diagnose_folder(folder, model, tmp_path / "out")
    assert caught.value.code == "no-series" and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_best_of_several_series_is_diagnosed_and_said_to_be_chosen(
    model: LoadedModel, tmp_path: Path
) -> None:
    other = "1.2.826.0.1.3680043.8.498.999"
    write_series(tmp_path / "scans" / "a", SeriesInstanceUID=other, LossyImageCompression="01")
    write_series(tmp_path / "scans" / "b")
    document = diagnose_folder(tmp_path / "scans", model, tmp_path / "out")
    assert "chosen" in document["flags"] and "lossy" not in document["flags"]


@pytest.mark.parametrize("keyword", ["PatientID", "StudyInstanceUID"])
def test_scans_of_several_patients_or_studies_are_not_chosen_from(
    keyword: str, model: LoadedModel, tmp_path: Path
) -> None:
    write_series(tmp_path / "scans" / "a")
    write_series(tmp_path / "scans" / "b", **{"SeriesInstanceUID": "1.2.3.4", keyword: "1.2.3.5"})
    with pytest.raises(PneumofedError) as caught:
        diagnose_folder(tmp_path / "scans", model, tmp_path / "out")
    assert caught.value.code == "several-studies" and "1.2.3" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_wrong_targets_and_models(
    series: Path, model: LoadedModel, folder_of_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PneumofedError) as caught:
        diagnose_folder(series, model, tmp_path / "file")
    assert caught.value.code == "out-is-a-file"
    with pytest.raises(PneumofedError) as caught:
        load_for_diagnosis(tmp_path)
    assert caught.value.code == "model-missing"
    for device in ("cuda:99", "abacus"):
        with pytest.raises(PneumofedError) as caught:
            load_for_diagnosis(folder_of_model, device)
        assert caught.value.code == "no-device"


@pytest.mark.real_data
def test_the_real_scan(real_data: Path, model: LoadedModel, tmp_path: Path) -> None:
    """A model of initial weights says nothing worth having; the way there must hold."""
    document = diagnose_folder(real_data / "chest-ct", model, tmp_path)
    assert names(tmp_path) == FILES
    assert len(document["slices"]) == 99
    volumes = document["infected"]
    assert 4000 < volumes["all"]["lung_ml"] < 5200
    assert 0.5 < volumes["left"]["lung_ml"] / volumes["right"]["lung_ml"] < 1
    assert "C3N-00247" not in (tmp_path / "diagnosis.json").read_text()


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_scan_takes_less_than_a_minute(real_data: Path, model: LoadedModel, tmp_path: Path) -> None:
    """Processor time."""
    started = time.process_time()
    diagnose_folder(real_data / "chest-ct", model, tmp_path)
    assert time.process_time() - started < 60
