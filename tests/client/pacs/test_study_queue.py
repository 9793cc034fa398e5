"""Complete studies are diagnosed once, one after the other, whatever happens to the process or in a study."""

import csv
import os
import shutil
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from client.diagnosis import diagnosis_output
from client.diagnosis.diagnose import LoadedModel
from client.diagnosis.diagnose_folder import load_for_diagnosis
from client.pacs import study_queue as module
from client.pacs.inbox import Inbox
from client.pacs.queue_progress import PROGRESS, QueueProgress, read_progress
from client.pacs.study_queue import QueuedInbox, StudyQueue
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from tests.support.diagnosed_scans import PATIENT, write_series
from tests.support.pacs import write_model

PICTURE = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("model")
    write_model(folder)
    return load_for_diagnosis(folder, "cpu")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("scan") / "images")


@pytest.fixture
def hospital(tmp_path: Path, scan: Path, monkeypatch: pytest.MonkeyPatch) -> "Hospital":
    monkeypatch.setattr(diagnosis_output, "pictures", lambda _: {"slice-01.png": PICTURE})
    return Hospital(tmp_path, scan, monkeypatch)


class Hospital:
    """An inbox that is filled by hand, and the studies of which a diagnosis was begun."""

    def __init__(self, folder: Path, scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inbox, self.results, self.scan = folder / "inbox", folder / "results", scan
        self.uploads = folder / "reading" / "uploads"
        self.begun: list[str] = []
        self.inbox.mkdir()
        diagnose = module.diagnosis_or_reason

        def noted(folder: Path, *rest: object, **more: object) -> object:
            self.begun.append(folder.parent.name)
            return diagnose(folder, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(module, "diagnosis_or_reason", noted)

    def add(self, name: str, *, complete: bool = True, scan: bool = True, uploaded: bool = False) -> Path:
        study = (self.uploads if uploaded else self.inbox) / name
        if scan:
            shutil.copytree(self.scan, study / "images")
        else:
            (study / "images").mkdir(parents=True)
            (study / "images" / "letter").write_text("Quillfeather")
        if complete:
            (study / "complete").touch()
        return study

    def queue(self, model: LoadedModel, keep_days: float = 30) -> StudyQueue:
        inboxes = (QueuedInbox(self.inbox), QueuedInbox(self.uploads, dicom=False))
        return StudyQueue(inboxes, self.results, model, keep_days)

    def run(self, model: LoadedModel) -> None:
        """As a process of its own would, which knows only what is on disk."""
        self.queue(model).run(threading.Event(), once=True, pause_s=0.01)

    def worklist(self) -> dict[str, dict[str, str]]:
        with (self.results / "worklist.csv").open(newline="") as file:
            return {row["study"]: row for row in csv.DictReader(file)}


def test_complete_studies_are_diagnosed_once(
    hospital: Hospital, model: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pneumofed")
    hospital.add("a")
    hospital.add("b", complete=False)
    hospital.add("c", scan=False)
    hospital.run(model)
    assert hospital.begun == ["a", "c"]
    assert len(list((hospital.results / "a" / "dicom").iterdir())) == 4
    rows = hospital.worklist()
    assert rows.keys() == {"a", "c"} and rows["c"]["code"] == "no-series" and not rows["a"]["code"]
    hospital.run(model)
    assert hospital.begun == ["a", "c"] and hospital.worklist() == rows
    (hospital.inbox / "b" / "complete").touch()
    hospital.run(model)
    assert hospital.begun == ["a", "c", "b"] and hospital.worklist().keys() == {"a", "b", "c"}
    said = caplog.text + (hospital.results / "worklist.csv").read_text()
    assert not [word for word in (*PATIENT.values(), "Quillfeather") if word in said]


def test_a_diagnosis_without_images_for_the_reading_room_is_made_again(
    hospital: Hospital, model: LoadedModel
) -> None:
    hospital.add("a")
    hospital.run(model)
    viewing = hospital.results / "a" / "viewing.zip"
    assert viewing.is_file()
    viewing.unlink()
    hospital.run(model)
    assert hospital.begun == ["a", "a"] and viewing.is_file()


def test_a_late_image_has_the_study_diagnosed_again_and_the_same_scan_keeps_its_identifiers(
    hospital: Hospital, model: LoadedModel
) -> None:
    study = hospital.add("a")
    hospital.run(model)
    report = hospital.results / "a" / "dicom" / "report.dcm"
    first = dcmread(report).SOPInstanceUID
    (study / "complete").unlink()
    shutil.copy(hospital.scan / "000.dcm", study / "images" / "localizer.dcm")
    late = dcmread(study / "images" / "localizer.dcm")
    late.ImageType, late.SOPInstanceUID, late.SeriesInstanceUID = (
        ["ORIGINAL", "PRIMARY", "LOCALIZER"],
        "1.9",
        "1.8",
    )
    late.save_as(study / "images" / "localizer.dcm")
    hospital.run(model)
    assert hospital.begun == ["a"]
    (study / "complete").touch()
    hospital.run(model)
    assert hospital.begun == ["a", "a"] and dcmread(report).SOPInstanceUID == first
    (study / "images" / "013.dcm").unlink()  # of the series itself
    os.utime(study / "complete", (time.time() + 1, time.time() + 1))
    hospital.run(model)
    assert len(hospital.begun) == 3 and dcmread(report).SOPInstanceUID != first


def test_killed_in_a_study_it_goes_on_with_it_and_leaves_one_alone_that_kills_it_each_time(
    hospital: Hospital, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital.add("a")
    hospital.add("b")
    noted = module.diagnosis_or_reason

    def dies(folder: Path, *rest: object, **more: object) -> object:
        if folder.parent.name == "a":
            hospital.begun.append("a")
            raise KeyboardInterrupt
        return noted(folder, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(module, "diagnosis_or_reason", dies)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                hospital.run(model)
        hospital.run(model)
    assert hospital.begun == ["a", "a", "a", "b"]
    assert hospital.worklist()["a"]["code"] == "diagnosis-died" and not hospital.worklist()["b"]["code"]
    (hospital.results / "a" / "failure.json").unlink()
    hospital.run(model)
    assert hospital.begun[-1] == "a" and not hospital.worklist()["a"]["code"]
    assert not (hospital.results / "a" / "failure.json").exists()


def test_a_study_of_several_patients_has_no_results(hospital: Hospital, model: LoadedModel) -> None:
    study = hospital.add("a")
    hospital.run(model)
    assert (hospital.results / "a" / "diagnosis.json").exists()
    (study / "refused").touch()
    (study / "complete").unlink()
    hospital.run(model)
    assert not (hospital.results / "a" / "diagnosis.json").exists()
    assert not list((hospital.results / "a" / "dicom").iterdir())
    assert hospital.worklist()["a"]["code"] == "several-patients"


def test_a_study_that_links_elsewhere_is_not_looked_at(hospital: Hospital, model: LoadedModel) -> None:
    images = hospital.add("a") / "images"
    shutil.rmtree(images)
    images.symlink_to(hospital.scan)
    hospital.run(model)
    assert hospital.begun == [] and not (hospital.results / "a").exists()
    assert hospital.worklist()["a"]["code"] == "inbox-altered"


def test_one_that_became_of_several_patients_during_its_diagnosis_has_no_results(
    hospital: Hospital, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, noted = hospital.add("a"), module.diagnosis_or_reason

    def meanwhile(*rest: object, **more: object) -> object:
        found = noted(*rest, **more)  # type: ignore[arg-type]
        (study / "refused").touch()
        return found

    monkeypatch.setattr(module, "diagnosis_or_reason", meanwhile)
    hospital.run(model)
    assert hospital.worklist()["a"]["code"] == "several-patients"
    assert not (hospital.results / "a" / "diagnosis.json").exists()


def test_what_the_inbox_has_deleted_leaves_the_worklist_and_later_the_results(
    hospital: Hospital, model: LoadedModel
) -> None:
    hospital.add("a", scan=False)
    hospital.add("b", scan=False)
    queue = hospital.queue(model, keep_days=1)
    queue.run(threading.Event(), once=True)
    shutil.rmtree(hospital.inbox / "a")
    queue.run(threading.Event(), once=True)
    assert hospital.worklist().keys() == {"b"} and (hospital.results / "a").exists()
    os.utime(hospital.results / "a", (0, 0))
    queue.run(threading.Event(), once=True)
    assert not (hospital.results / "a").exists() and (hospital.results / "b").exists()


def test_the_inboxes_have_turns_and_the_first_to_be_complete_is_first(
    hospital: Hospital, model: LoadedModel
) -> None:
    for number, name in enumerate(("d", "c", "b", "a")):
        study = hospital.add(name, scan=False)
        os.utime(study / "complete", (1000 + number, 1000 + number))
    for number, name in enumerate(("y", "x")):
        study = hospital.add(name, scan=False, uploaded=True)
        os.utime(study / "complete", (9000 + number, 9000 + number))
    hospital.run(model)
    assert hospital.begun == ["d", "y", "c", "x", "b", "a"]


def test_an_upload_that_comes_while_many_wait_is_next(
    hospital: Hospital, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", "d"):
        hospital.add(name, scan=False)
    noted = module.diagnosis_or_reason

    def meanwhile(folder: Path, *rest: object, **more: object) -> object:
        if not hospital.begun:
            hospital.add("x", scan=False, uploaded=True)
        return noted(folder, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "diagnosis_or_reason", meanwhile)
    hospital.run(model)
    assert hospital.begun.index("x") <= 2 and len(hospital.begun) == 5


def test_results_of_uploads_are_not_for_the_pacs(hospital: Hospital, model: LoadedModel) -> None:
    hospital.add("x", uploaded=True)
    hospital.run(model)
    assert (hospital.results / "x" / "diagnosis.json").exists()
    assert not (hospital.results / "x" / "dicom").exists() and hospital.worklist().keys() == {"x"}
    hospital.run(model)
    assert hospital.begun == ["x"]


def test_each_step_can_be_seen_while_a_study_is_diagnosed(
    hospital: Hospital, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[QueueProgress | None] = []
    noted = module.diagnosis_or_reason

    def watched(folder: Path, *rest: object, on_step: object, **more: object) -> object:
        def told(*step: object) -> None:
            on_step(*step)  # type: ignore[operator]
            seen.append(read_progress(hospital.results))

        return noted(folder, *rest, on_step=told, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "diagnosis_or_reason", watched)
    hospital.results.mkdir()
    (hospital.results / PROGRESS).write_text("of one that was killed")
    hospital.add("a")
    hospital.run(model)
    found = [one for one in seen if one is not None]
    assert {one.study for one in found} == {"a"} and len(found) == len(seen)
    steps = list(dict.fromkeys(one.step for one in found))
    assert steps == ["headers", "lungs", "networks", "results"]
    assert read_progress(hospital.results) is None and not (hospital.results / PROGRESS).exists()


def test_a_deleted_upload_goes_with_its_results_also_while_it_is_diagnosed(
    hospital: Hospital, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, noted = Inbox(hospital.uploads), module.diagnosis_or_reason
    for name in ("x", "y"):
        hospital.add(name, uploaded=True)
    hospital.add("a", scan=False)
    hospital.run(model)
    inbox.delete("x")
    hospital.run(model)
    assert not (hospital.results / "x").exists() and hospital.worklist().keys() == {"a", "y"}

    def meanwhile(folder: Path, *rest: object, **more: object) -> object:
        inbox.delete("z")
        return noted(folder, *rest, **more)  # type: ignore[arg-type]

    hospital.add("z", uploaded=True)
    monkeypatch.setattr(module, "diagnosis_or_reason", meanwhile)
    hospital.run(model)
    assert hospital.begun[-1] == "z"
    assert not (hospital.results / "z").exists() and hospital.worklist().keys() == {"a", "y"}
    assert (hospital.results / "y" / "diagnosis.json").exists()


def test_one_process_diagnoses(hospital: Hospital, model: LoadedModel) -> None:
    hospital.results.mkdir()
    with exclusive(hospital.results, create=False), pytest.raises(PneumofedError) as caught:
        hospital.run(model)
    assert caught.value.code == "out-busy"
