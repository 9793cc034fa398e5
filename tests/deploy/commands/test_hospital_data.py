"""`pneumofed hospital check`, `prepare` and `lobes`: their output, JSON documents and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import SimpleITK
from typer.testing import CliRunner

from deploy.commands.hospital import hospital_app
from preprocessing.review.contact_sheet import DOUBT_COLOUR
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from tests.support.chests import PIXEL_MM, SLICE_MM, chest, write_series
from tests.support.diagnosed_scans import write_series as ellipsoids
from tests.support.other_bodies import abdomen
from tests.support.segmentation import dice

HU, LUNGS = chest()


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(hospital_app, [str(word) for word in words])
    if isinstance(result.exception, PneumofedError):
        raise result.exception
    return result.exit_code, result.stdout


def test_check_lists_accepted_and_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "a", HU, series_uid="1.2.3")
    write_series(tmp_path / "b", HU, series_uid="1.2.4", RescaleSlope=None)
    (tmp_path / "b" / "letter.txt").write_text("no")
    code, text = run("check", tmp_path, "--json")
    document = json.loads(text)
    assert code == 0
    spacing = [SLICE_MM, PIXEL_MM, PIXEL_MM]
    assert document["accepted"] == [{"series": "1.2.3", "slices": 14, "spacing_mm": spacing, "flags": []}]
    refused = {(one.get("series"), one.get("file"), one["code"]) for one in document["refused"]}
    expected = {("1.2.4", None, "no-rescale"), (None, "b/letter.txt", "not-dicom")}
    assert refused == expected
    assert all(one["reason"] for one in document["refused"])
    code, text = run("check", tmp_path)
    assert code == 0
    assert text.splitlines()[-1] == "series: 1 accepted, 1 refused; files refused by themselves: 1"
    rows = [line for line in text.splitlines() if "accepted │" in line or "refused  │" in line]
    assert len(rows) == 3  # one a series, one for files of a code


def test_the_choice_among_series_of_a_study_is_shown(tmp_path: Path) -> None:
    study = tmp_path / "studies" / "a"
    write_series(study / "one", HU, series_uid="1.2.3", ConvolutionKernel="?")
    write_series(study / "two", HU, series_uid="1.2.4", ConvolutionKernel="B60f")
    write_series(tmp_path / "studies" / "b", HU, series_uid="1.2.5", patient_id="Q")
    mixed = tmp_path / "studies" / "c"
    write_series(mixed / "one", HU, series_uid="1.2.6", patient_id="R")
    write_series(mixed / "two", HU, series_uid="1.2.7", patient_id="S")
    flags = {
        one["series"]: one["flags"] for one in json.loads(run("check", tmp_path, "--json")[1])["accepted"]
    }
    assert flags == {"1.2.3": [], "1.2.4": ["chosen"], "1.2.5": [], "1.2.6": [], "1.2.7": []}
    labels = tmp_path / "labels.csv"
    labels.write_text("study,label\na,covid\nb,healthy\nc,healthy\n")
    words = ("prepare", tmp_path / "studies", "--labels", labels, "--store", tmp_path / "store")
    for added in (2, 0):  # a second run says it again
        document = json.loads(run(*words, "--jobs", 1, "--json")[1])
        assert (document["added"], document["rejected"]) == (added, 1)
        said = "2 series could be used; chose the one of 14 slices, 6 mm apart, kernel lung (no flags)"
        assert document["choices"] == [{"row": 2, "choice": said}]
        assert [(one["row"], one["code"]) for one in document["problems"]] == [(4, "several-studies")]
    assert f"row 2 of the labels: {said}" in run(*words, "--jobs", 1)[1]


def test_wrong_use_ends_with_2(tmp_path: Path) -> None:
    assert run("check", tmp_path / "nowhere")[0] == 2
    assert run("prepare", tmp_path)[0] == 2
    with pytest.raises(PneumofedError) as error:
        run("check", tmp_path)
    assert error.value.code == "folder-empty"


def test_prepare_reports_counts_and_problems(tmp_path: Path) -> None:
    write_series(tmp_path / "studies" / "a", HU)
    write_series(tmp_path / "studies" / "b", HU[:3])
    labels = tmp_path / "labels.csv"
    labels.write_text("study,label\na,covid\nb,healthy\n")
    words = ("prepare", tmp_path / "studies", "--labels", labels, "--store", tmp_path / "store")
    code, text = run(*words, "--json")
    document = json.loads(text)
    assert (code, document["added"], document["present"], document["rejected"]) == (0, 1, 0, 1)
    assert [(one["row"], one["code"]) for one in document["problems"]] == [(3, "too-few-slices")]
    code, text = run(*words)
    assert (code, "0 added, 1 there before, 1 rejected" in text) == (0, True)


def test_prepare_by_the_paper_makes_a_store_of_its_settings(tmp_path: Path) -> None:
    ellipsoids(tmp_path / "studies" / "a")
    labels = tmp_path / "labels.csv"
    labels.write_text("study,label\na,covid\n")
    words = ("prepare", tmp_path / "studies", "--labels", labels, "--store", tmp_path / "store", "--json")
    assert run(*words, "--settings", "paper")[0] == 0
    settings = LobeStore.open(tmp_path / "store").settings
    assert settings == PreprocessingSettings(lobes="paper", breath="paper")
    with pytest.raises(PneumofedError) as error:
        run(*words)
    assert error.value.code == "store-fingerprint"
    assert run(*words, "--settings", "other")[0] == 2


def test_prepare_tells_doubtful_scans_first(tmp_path: Path) -> None:
    one_lung = HU.copy()
    one_lung[LUNGS == 2] = 40
    write_series(tmp_path / "studies" / "a", HU)
    write_series(tmp_path / "studies" / "b", one_lung)
    labels = tmp_path / "labels.csv"
    labels.write_text("study,label\na,covid\nb,healthy\n")
    store = tmp_path / "store"
    words = ("prepare", tmp_path / "studies", "--labels", labels, "--store", store, "--jobs", 1)
    (doubtful,) = json.loads(run(*words, "--json")[1])["doubtful"]
    assert (doubtful["row"], doubtful["kinds"]) == (3, ["side-missing"])
    assert doubtful["slices"] == list(range(14)) and doubtful["doubtful_ml"] > 500
    lines = run(*words)[1].splitlines()
    assert lines[-2] == f"scans to look at first: 1 (see {store / 'review.html'})"
    assert doubtful["key"] in lines[-1] and lines[-1].endswith("slices: side-missing 0-13")


def test_lobes_are_listed_feet_first_with_a_picture(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", HU)
    sheet = tmp_path / "sheet.png"
    code, text = run("lobes", tmp_path / "scan", "--json", "--sheet", sheet)
    slices = json.loads(text)["slices"]
    assert (code, len(slices)) == (0, len(HU))
    assert [row["z_mm"] for row in slices] == [SLICE_MM * number for number in range(len(HU))]
    for number, row in enumerate(slices):
        for side, name in ((1, "right"), (2, "left")):
            rows, columns = np.nonzero(LUNGS[number] == side)
            truth = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
            assert np.abs(np.subtract(row[name]["box"], truth)).max() <= 2
            assert row[name]["area_mm2"] == pytest.approx(rows.size * PIXEL_MM**2, rel=0.06)
    picture = cv2.imread(str(sheet))
    assert picture is not None and picture.shape[1] == 10 * 192
    assert not (picture == DOUBT_COLOUR).all(axis=2)[:192].any()
    one_lung = HU.copy()
    one_lung[LUNGS == 2] = 40
    write_series(tmp_path / "other", one_lung)
    run("lobes", tmp_path / "other", "--sheet", sheet)
    frames = (cv2.imread(str(sheet)) == DOUBT_COLOUR).all(axis=2)
    assert frames[0, : 10 * 192].all() and frames[192, : 4 * 192].all() and not frames[192, 4 * 192 :].any()


def test_lobes_say_what_is_unusual(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", HU)  # 84 mm of a chest
    assert json.loads(run("lobes", tmp_path / "scan", "--json")[1])["flags"] == ["lungs-cut-off"]
    last = run("lobes", tmp_path / "scan")[1].splitlines()[-1]
    assert last.startswith("lungs-cut-off: part of the lungs lies beyond")


def test_lobes_of_an_abdomen_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", abdomen())
    sheet = tmp_path / "sheet.png"
    with pytest.raises(PneumofedError, match="use a chest CT") as error:
        run("lobes", tmp_path / "scan", "--sheet", sheet)
    assert error.value.code == "no-lungs"
    assert not sheet.exists()


@pytest.mark.parametrize("name", ["lungs.nii", "lungs.nii.gz"])
def test_the_lungs_are_written_over_the_scans_own_voxels(tmp_path: Path, name: str) -> None:
    """Stored from the patient's left to right and upside down: each voxel is found by its position in mm."""
    write_series(tmp_path / "scan", HU, orientation=(-1, 0, 0, 0, -1, 0), heights=np.arange(14) * 6.0 - 40)
    assert run("lobes", tmp_path / "scan", "--json", "--masks", tmp_path / name)[0] == 0
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith("gz")
    image = SimpleITK.ReadImage(tmp_path / name)
    found = np.zeros_like(LUNGS)
    for index in np.argwhere(SimpleITK.GetArrayFromImage(image))[:, ::-1].tolist():
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        place = round((z + 40) / SLICE_MM), round(y / PIXEL_MM), round(x / PIXEL_MM)
        found[place] = image.GetPixel(index)
    assert dice(found, LUNGS, 1) > 0.97 and dice(found, LUNGS, 2) > 0.97
    first = (tmp_path / name).read_bytes()
    run("lobes", tmp_path / "scan", "--masks", tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_masks_of_another_name_are_wrong_use(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", HU)
    for name in ("lungs.png", "lungs.gz", "lungs"):
        assert run("lobes", tmp_path / "scan", "--masks", tmp_path / name)[0] == 2
        assert not (tmp_path / name).exists()


def test_sheet_of_another_name_is_wrong_use(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", HU)
    for name in ("sheet.jpg", "sheet.nii", "sheet"):
        assert run("lobes", tmp_path / "scan", "--sheet", tmp_path / name)[0] == 2
        assert not (tmp_path / name).exists()


def test_masks_that_nifti_cannot_hold_are_not_written(tmp_path: Path) -> None:
    heights = SLICE_MM * np.arange(len(HU), dtype=float)
    heights[6] += 1.5
    write_series(tmp_path / "scan", HU, heights=heights)
    assert run("lobes", tmp_path / "scan")[0] == 0
    with pytest.raises(PneumofedError) as error:
        run("lobes", tmp_path / "scan", "--masks", tmp_path / "lungs.nii")
    assert error.value.code == "uneven-grid"
    assert not (tmp_path / "lungs.nii").exists()


@pytest.mark.real_data
def test_the_lungs_of_a_real_scan_are_not_swapped(real_data: Path, tmp_path: Path) -> None:
    """By a check that reads scan and mask on its own; lungs cross the body's middle by some ml."""
    scan, masks = real_data / "covid-ct-md" / "normal", tmp_path / "lungs.nii.gz"
    assert run("lobes", scan, "--masks", masks)[0] == 0
    check = [sys.executable, real_data.parent / "checks" / "lung_leak.py", scan, masks]
    figures = json.loads(subprocess.run(check, check=True, capture_output=True, text=True).stdout)
    assert figures["mask_ml"] > 3000
    assert figures["swapped_ml"] < 0.01 * figures["mask_ml"]


def test_lobes_of_nothing_usable_say_why(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", HU[:4])
    with pytest.raises(PneumofedError) as error:
        run("lobes", tmp_path / "scan")
    assert error.value.code == "no-series"
    assert "too-few-slices" in str(error.value)
