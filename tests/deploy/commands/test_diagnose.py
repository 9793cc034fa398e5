"""`pneumofed diagnose` of one study and of several."""

import json
import subprocess
from pathlib import Path

import pytest

from client.diagnosis import diagnosis_output
from deploy.commands.root import main
from shared_model.saved_model import save_model
from tests.support.diagnosed_scans import PATIENT, card, write_series
from tests.support.initial_weights import initial_weights
from tests.support.processes import pneumofed


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis_output, "pictures", lambda diagnosis: {})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, initial_weights(card().study), card())
    return folder


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as ending:
        main(["diagnose", *map(str, arguments)])
    return ending.value.code


def test_several_studies_get_a_worklist_and_one_gets_its_document(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies, out = tmp_path / "studies", tmp_path / "out"
    write_series(studies / "a")
    write_series(studies / "b", StudyInstanceUID="1.3.2")
    (studies / "c").mkdir()
    assert run(studies, "--model", model, "--out", out) == 0
    said = capsys.readouterr()
    assert "2 diagnosed, 0 there before, 1 failed" in said.out and str(out / "worklist.csv") in said.out
    assert not [word for word in PATIENT.values() if word in said.out + said.err]
    assert run(studies, "--model", model, "--out", out, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    counts = {"diagnosed": 0, "present": 2, "failed": 1}
    assert document.items() >= counts.items() and len(document["studies"]) == 3
    assert run(studies / "a", "--model", model, "--out", tmp_path / "one", "--json") == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone | {"timing": None} == json.loads((out / "a" / "diagnosis.json").read_text()) | {
        "timing": None
    }


def test_no_study_that_can_be_diagnosed_ends_with_1(model: Path, tmp_path: Path) -> None:
    not_ct = {"Modality": "SR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.22"}
    write_series(tmp_path / "studies" / "a", **not_ct)
    write_series(tmp_path / "studies" / "b", StudyInstanceUID="1.3.2", **not_ct)
    assert run(tmp_path / "studies", "--model", model, "--out", tmp_path / "out") == 1
    assert len((tmp_path / "out" / "worklist.csv").read_text().splitlines()) == 3


def test_no_library_quotes_the_patient(model: Path, tmp_path: Path) -> None:
    """highdicom warns of a name of one component, with the name."""
    write_series(tmp_path / "scan", PatientName="Quillfeather")
    command = pneumofed("diagnose", tmp_path / "scan", "--model", model, "--out", tmp_path / "out", "--dicom")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and (tmp_path / "out" / "dicom" / "report.dcm").exists()
    assert "Quillfeather" not in done.stdout + done.stderr and "Warning" not in done.stderr
