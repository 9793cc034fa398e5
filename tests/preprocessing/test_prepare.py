"""prepare: from labelled folders to a store, through kills, full disks and bad input."""

import csv
import json
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.pipeline import prepare_series
from preprocessing.prepare import prepare
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from tests.reference import preprocessing as reference
from tests.support.chests import chest, write_series
from tests.support.labelled_studies import LABELS, start_prepare, write_hospital, write_labels


def refused(code: str, folder: Path, labels: Path, store: Path) -> str:
    with pytest.raises(PneumofedError) as error:
        prepare(folder, labels, store)
    assert error.value.code == code
    assert not store.exists()
    return str(error.value)


def test_all_studies_are_prepared_by_two_workers_and_stay(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path)
    seen: list[tuple[int, int]] = []
    report = prepare(studies, labels, tmp_path / "store", jobs=2, progress=lambda *now: seen.append(now))
    assert (report.added, report.present, report.rejected, report.problems) == (3, 0, 0, ())
    assert seen == [(1, 3), (2, 3), (3, 3)]
    store = LobeStore.open(tmp_path / "store")
    found = store.scans()
    assert sorted(scan.label for scan in found) == sorted(LABELS)
    assert len({scan.fold for scan in found}) == 2  # two patients
    again = prepare(studies, labels, tmp_path / "store")
    assert (again.added, again.present) == (0, 3)
    write_labels(tmp_path, dict.fromkeys(("Doe^John0", "Doe^John1", "Doe^John2"), "covid"))
    prepare(studies, labels, tmp_path / "store")
    assert {scan.label for scan in store.scans()} == {"covid"}


@pytest.mark.parametrize("breath", ["even", "paper"])
def test_a_prepared_study_is_what_the_steps_give(tmp_path: Path, breath: Literal["even", "paper"]) -> None:
    studies, labels = write_hospital(tmp_path, 1)
    settings = PreprocessingSettings(breath=breath)
    prepare(studies, labels, tmp_path / "store", settings=settings)
    store = LobeStore.open(tmp_path / "store")
    (record,) = store.scans()
    (series,) = find_series(studies).accepted
    images = remove_batch_effect(load_volume(series))
    scan = prepare_series(series, settings)
    np.testing.assert_array_equal(scan.images, images)
    crops = [reference.crop(images[lobe.slice], lobe.box) for lobe in scan.lobes]
    masks = store.read(record.key, range(len(record.side))).mask
    density_curve = {
        "even": reference.density_correction(np.stack(crops), masks), "paper": lambda grey: grey
    }[breath]  # fmt: skip
    lobes = [0, len(record.side) // 2, len(record.side) - 1]
    arrays = store.read(record.key, lobes)
    for place, number in enumerate(lobes):
        box, own = tuple(record.box[number]), int(record.slice_index[number])
        for plane, step in enumerate((-1, 0, 1)):
            neighbour = images[min(max(own + step, 0), len(images) - 1)]
            expected = density_curve(reference.crop(neighbour, box))
            np.testing.assert_array_equal(arrays.images[place, plane], expected)
        assert record.area[number] == arrays.mask[place].sum() == scan.lobes[number].area
        distance = reference.distance_to_periphery(arrays.mask[place])
        np.testing.assert_array_equal(arrays.distance[place], distance)
    assert not (arrays.semi_infection & ~arrays.mask).any()


def test_scanner_and_thickness_are_kept_and_added_to_a_store_of_before(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path, 2)
    for path in (studies / "Doe^John0").iterdir():
        header = pydicom.dcmread(path)
        header.Manufacturer, header.SliceThickness = "GE for Dr. Roe", "2.5"
        header.save_as(path)
    prepare(studies, labels, tmp_path / "store")
    store = LobeStore.open(tmp_path / "store")
    expected = {("ge", 2.5), (None, None)}
    assert {(scan.manufacturer, scan.thickness_mm) for scan in store.scans()} == expected
    assert not any(b"Roe" in path.read_bytes() for path in store.path.rglob("*") if path.is_file())
    before = {scan.key: scan.to_json() for scan in store.scans()}
    for scan in store.scans():
        store.update(replace(scan, manufacturer=None, thickness_mm=None))
    whole = json.loads((store.path / "store.json").read_text())
    (store.path / "store.json").write_text(json.dumps({**whole, "format": 3}))
    assert prepare(studies, labels, tmp_path / "store").present == 2
    assert {scan.key: scan.to_json() for scan in LobeStore.open(store.path).scans()} == before
    assert json.loads((store.path / "store.json").read_text()) == whole


def test_nothing_that_names_a_patient_is_in_the_store(tmp_path: Path) -> None:
    studies, _ = write_hospital(tmp_path, 2)
    uid = generate_uid()
    write_series(studies / "Roe^Jane", chest(3, 96)[0], series_uid=uid, patient_id="ID77")
    labels = write_labels(tmp_path, {"Doe^John0": "covid", "Doe^John1": "other", "Roe^Jane": "covid"})
    report = prepare(studies, labels, tmp_path / "store")
    assert (report.added, report.rejected) == (2, 1)
    content = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    names = " ".join(str(path) for path in (tmp_path / "store").rglob("*")).replace(str(tmp_path), "")
    for word in ("Doe", "Roe", "ID77", "ID0", uid, "Nobody", str(tmp_path)):
        assert word.encode() not in content
        assert word not in names


def test_bad_studies_are_set_aside_with_all_their_problems(tmp_path: Path) -> None:
    studies, _ = write_hospital(tmp_path, 1)
    write_series(studies / "short", chest(4, 96)[0])
    (studies / "short" / "letter.txt").write_text("not a scan")
    (studies / "nothing").mkdir()
    hu, _ = chest(14, 96)
    write_series(studies / "solid", np.where(hu < -300, 0, hu).astype(np.int16))
    same = generate_uid()
    write_series(studies / "first", hu, series_uid=same)
    write_series(studies / "second", hu, series_uid=same)
    rows = ("Doe^John0", "short", "nothing", "solid", "first", "second")
    labels = write_labels(tmp_path, dict.fromkeys(rows, "other"))
    report = prepare(studies, labels, tmp_path / "store")
    assert (report.added, report.rejected) == (2, 4)
    with (tmp_path / "store" / "rejected.csv").open() as file:
        found = sorted((row["labels_row"], row["code"]) for row in csv.DictReader(file))
    expected = [("3", "not-dicom"), ("3", "too-few-slices"), ("4", "no-series"), ("7", "study-exists")]
    assert [one for one in found if one[0] != "5"] == expected
    assert [code for row, code in found if row == "5"] in (["no-background"], ["no-lungs"])


def test_faults_in_the_labels_stop_before_any_work(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path, 2)
    store = tmp_path / "store"
    names = ("Doe^John0", "Doe^John1")
    message = refused(
        "label-unknown",
        studies,
        write_labels(tmp_path, dict(zip(names, ("covid", "flu"), strict=True))),
        store,
    )
    assert "row 3" in message
    refused("labels-missing", studies, write_labels(tmp_path, dict.fromkeys((*names, "no"), "covid")), store)
    refused("labels-missing", studies, tmp_path / "none.csv", store)
    labels.write_text("study,label\nDoe^John0,covid\nDoe^John1,covid\nDoe^John1,other\n")
    refused("labels-repeated", studies, labels, store)
    labels.write_text("name;label\n")
    refused("labels-unreadable", studies, labels, store)
    labels.write_bytes(b"\xff\xfe\x00\x01study")
    refused("labels-unreadable", studies, labels, store)
    (tmp_path / "empty").mkdir()
    refused("folder-empty", tmp_path / "empty", labels, store)


def test_a_store_made_otherwise_is_refused(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path, 1)
    LobeStore.create(tmp_path / "store", PreprocessingSettings(lobes="paper"))
    with pytest.raises(PneumofedError) as error:
        prepare(studies, labels, tmp_path / "store")
    assert error.value.code == "store-fingerprint"


def test_a_folder_of_files_is_one_study(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", chest(14, 96)[0])
    labels = write_labels(tmp_path, {"scan": "healthy"})
    assert prepare(tmp_path / "scan", labels, tmp_path / "store").added == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_is_resumed_with_nothing_lost_or_doubled(tmp_path: Path, jobs: int) -> None:
    studies, labels = write_hospital(tmp_path, 3)
    store = tmp_path / "store"
    process = start_prepare(tmp_path, jobs)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if list(store.glob("studies/.*.partial")) or list(store.glob("studies/*/study.json")):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    process.communicate()
    report = prepare(studies, labels, store)
    assert report.added + report.present == 3
    opened = LobeStore.open(store)
    assert len(opened.scans()) == 3
    for scan in opened.scans():
        opened.verify(scan.key)
    assert not list(store.rglob("*.partial"))
    sheets, keys = {path.name for path in (store / "sheets").iterdir()}, opened.keys()
    assert sheets == {f"{key}.{ending}" for key in keys for ending in ("jpg", "json")}
    assert sorted(row["labels_row"] for row in reviewed(store)) == ["2", "3", "4"]


def write_doubtful_hospital(folder: Path) -> tuple[Path, Path]:
    """Three studies: the first has both lungs, the second lacks one, the third lacks it in five slices."""
    hu, lungs = chest(14, 128)
    for number, gone in enumerate((range(0), range(14), range(5))):
        one = hu.copy()
        for place in gone:
            one[place][lungs[place] == 2] = 40
        write_series(folder / "studies" / f"Doe^John{number}", one, patient_id=f"ID{number}")
    return folder / "studies", write_labels(folder, {f"Doe^John{n}": LABELS[n] for n in range(3)})


def reviewed(store: Path) -> list[dict[str, str]]:
    with (store / "review.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_doubtful_scans_are_listed_first_in_one_run_or_several(tmp_path: Path) -> None:
    studies, labels = write_doubtful_hospital(tmp_path)
    store = tmp_path / "store"
    names = [f"Doe^John{number}" for number in range(3)]
    first = tmp_path / "first"
    first.mkdir()
    (first / names[0]).symlink_to(studies / names[0])
    report = prepare(first, write_labels(tmp_path, {names[0]: "healthy"}), store)
    assert report.doubtful == () and [row["doubts"] for row in reviewed(store)] == [""]
    write_labels(tmp_path, dict(zip(names, LABELS, strict=True)))
    report = prepare(studies, labels, store, jobs=2)
    rows = reviewed(store)
    assert [row["labels_row"] for row in rows] == ["3", "4", "2"]
    assert [row["doubts"] for row in rows] == ["side-missing 0-13", "sudden-change 4-5; side-missing 0-4", ""]
    assert [(scan.key, scan.row) for scan in report.doubtful] == [(rows[0]["key"], 3), (rows[1]["key"], 4)]
    files = {path: path.read_bytes() for path in (store / "sheets").iterdir()}
    assert {path.stem for path in files} == set(LobeStore.open(store).keys())

    def unchanged() -> bool:
        now = {path: path.read_bytes() for path in (store / "sheets").iterdir()}
        return reviewed(store) == rows and now == files

    assert prepare(studies, labels, store).doubtful == report.doubtful and unchanged()
    for path in files:  # a store of before, or one whose sheets were deleted
        path.unlink()
    assert prepare(studies, labels, store).doubtful == report.doubtful and unchanged()


def test_the_sheet_goes_with_its_scan(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path, 2)
    store = tmp_path / "store"
    prepare(studies, labels, store)
    kept, gone = LobeStore.open(store).keys()
    shutil.rmtree(store / "studies" / gone)
    (row,) = (int(row["labels_row"]) for row in reviewed(store) if row["key"] == gone)
    shutil.rmtree(studies / f"Doe^John{row - 2}")
    (left,) = (folder.name for folder in studies.iterdir())
    prepare(studies, write_labels(tmp_path, {left: "covid"}), store)
    assert sorted(path.name for path in (store / "sheets").iterdir()) == [f"{kept}.jpg", f"{kept}.json"]
    assert gone not in (store / "review.csv").read_text() + (store / "review.html").read_text()


@pytest.mark.parametrize("at_once", [False, True])
def test_of_a_scan_in_two_folders_the_sheet_is_the_stored_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """The second folder lacks slices of the same series; it is prepared after the first one, or beside it."""
    hu, _ = chest(14, 128)
    write_series(tmp_path / "studies" / "a", hu, series_uid="1.2.3")
    write_series(tmp_path / "studies" / "b", hu[:12], series_uid="1.2.3")
    labels = write_labels(tmp_path, {"a": "covid", "b": "covid"})
    if at_once:  # neither sees the other until it puts its scan in its place
        monkeypatch.setattr(LobeStore, "has", lambda *_: False)
    report = prepare(tmp_path / "studies", labels, tmp_path / "store")
    assert [problem.code for problem in report.problems] == ["study-exists"]
    (row,) = reviewed(tmp_path / "store")
    assert (row["labels_row"], row["slices"]) == ("2", "14")


def test_a_full_disk_ends_with_its_code_and_nothing_half_written(tmp_path: Path) -> None:
    import resource

    studies, labels = write_hospital(tmp_path, 2)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = start_prepare(tmp_path, 1, little_room)
    _, message = process.communicate(timeout=120)
    assert message.strip().splitlines()[-1] == "disk-full"
    store = tmp_path / "store"
    assert LobeStore.open(store).scans() == []
    assert list((store / "studies").iterdir()) == []
    assert prepare(studies, labels, store).added == 2


def test_what_has_no_row_is_set_aside_and_said(tmp_path: Path) -> None:
    studies, _ = write_hospital(tmp_path, 2)
    labels = write_labels(tmp_path, {"Doe^John1": "covid"})
    report = prepare(studies, labels, tmp_path / "store")
    assert (report.added, report.unlabelled) == (1, ("Doe^John0",))


def test_blank_patient_ids_count_as_a_patient_each(tmp_path: Path) -> None:
    for number in range(2):
        write_series(tmp_path / "studies" / str(number), chest(14, 96, seed=number)[0], patient_id="",
                     StudyInstanceUID=f"1.2.{number}")  # fmt: skip
    report = prepare(
        tmp_path / "studies", write_labels(tmp_path, {"0": "covid", "1": "other"}), tmp_path / "st"
    )
    scans = LobeStore.open(tmp_path / "st").scans()
    assert len({scan.fold for scan in scans}) == 2
    assert all("no-patient-id" in scan.flags for scan in scans)
    assert len(report.notes) == 1 and "rows 2, 3" in report.notes[0]


def test_a_store_in_a_wrong_place_is_named_before_any_work(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path, 1)
    (tmp_path / "file").write_text("x")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.doc").write_text("x")
    for code, place in (("store-inside", studies / "store"), ("store-is-a-file", tmp_path / "file"),
                        ("store-exists", tmp_path / "used")):  # fmt: skip
        with pytest.raises(PneumofedError) as error:
            prepare(studies, labels, place)
        assert error.value.code == code
