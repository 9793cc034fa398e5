"""Hospitals on disk: layout, determinism, resuming, refusals."""

import csv
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import PRESETS, hospital_plans
from shared_model.errors import PneumofedError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantoms")
    make_hospitals("tiny", out, scans=9, seed=3)
    return out


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_study_has_its_label_its_slices_and_its_truth(made: Path) -> None:
    for plan in hospital_plans("tiny", 9):
        folder = made / plan.name
        card = json.loads((folder / "hospital.json").read_text())
        assert (card["name"], card["role"], card["counts"]) == (plan.name, plan.role, plan.counts)
        with (folder / "labels.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["study", "label"]
        assert Counter(row["label"] for row in rows) == Counter({k: n for k, n in plan.counts.items() if n})
        studies = {path.name: len(list(path.iterdir())) for path in (folder / "studies").iterdir()}
        assert set(studies) == {row["study"] for row in rows}
        for row in rows:
            truth = np.load(folder / "truth" / f"{row['study']}.npz")
            assert truth["lungs"].dtype == np.uint8
            assert truth["infection"].dtype == bool
            assert truth["lungs"].shape == truth["infection"].shape
            assert len(truth["lungs"]) == studies[row["study"]]
            assert set(np.unique(truth["lungs"])) == {0, 1, 2}


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_jobs(made: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_hospitals("tiny", tmp_path, scans=9, seed=3, jobs=2, progress=lambda *step: seen.append(step))
    assert _digests(tmp_path) == _digests(made)
    assert seen == [(done, 9) for done in range(10)]


def test_what_is_there_is_kept_and_what_is_missing_is_made_again(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    shutil.rmtree(copy / "north" / "studies" / "s0002")
    (copy / "lakeside" / "truth" / "s0001.npz").unlink()
    kept = copy / "harbour" / "studies" / "s0001"
    before = kept.stat().st_mtime_ns
    seen: list[tuple[int, int]] = []
    make_hospitals("tiny", copy, scans=9, seed=3, progress=lambda *step: seen.append(step))
    assert _digests(copy) == _digests(made)
    assert kept.stat().st_mtime_ns == before
    assert seen == [(7, 9), (8, 9), (9, 9)]


def test_another_recipe_does_not_mix_into_a_folder(made: Path) -> None:
    before = _digests(made)
    with pytest.raises(PneumofedError) as refused:
        make_hospitals("tiny", made, scans=9, seed=4)
    assert refused.value.code == "phantom-folder"
    assert _digests(made) == before


def test_hospitals_and_scans_differ(made: Path) -> None:
    truths = [path.read_bytes() for path in made.rglob("*.npz")]
    assert len(set(truths)) == len(truths) == 9


@pytest.mark.parametrize(
    ("preset", "scans", "code"), [("big", None, "phantom-preset"), ("demo", 3, "phantom-scans")]
)
def test_wrong_wishes_are_refused(tmp_path: Path, preset: str, scans: int | None, code: str) -> None:
    with pytest.raises(PneumofedError) as refused:
        make_hospitals(preset, tmp_path, scans=scans, seed=1)
    assert refused.value.code == code
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("factor", [0.3, 1.0, 2.5])
def test_scaling_keeps_the_shape(preset: str, factor: float) -> None:
    full = hospital_plans(preset, None)
    cells = sum(n > 0 for plan in full for n in plan.counts.values())
    total = max(round(sum(plan.total for plan in full) * factor), cells)
    scaled = hospital_plans(preset, total)
    assert sum(plan.total for plan in scaled) == total
    for before, after in zip(full, scaled, strict=True):
        for label, n in before.counts.items():
            assert (after.counts[label] > 0) == (n > 0)
            assert abs(after.counts[label] - factor * n) <= 1.5 + 0.02 * factor * n


def test_the_fewest_scans_are_one_of_each_class_that_a_hospital_has() -> None:
    counts = [n for plan in hospital_plans("paper", 21) for n in plan.counts.values()]
    assert sorted(set(counts)) == [0, 1]
    assert sum(counts) == 21


def test_the_paper_preset_is_table_2() -> None:
    counts = {plan.name: (plan.covid, plan.other, plan.healthy) for plan in PRESETS["paper"]}
    assert counts["kerman"] == (103, 276, 134)
    assert counts["kashan"] == (1688, 0, 0)
    assert counts["trc"] == (0, 0, 438)
    training = [plan for plan in PRESETS["paper"] if plan.role == "training"]
    assert sum(plan.covid for plan in training) == 188 + 38 + 103 + 220 + 1688
    held_out = [plan for plan in PRESETS["paper"] if plan.role == "held-out"]
    assert [plan.covid for plan in held_out] == [94, 966, 350, 25]
    assert all(plan.other and plan.healthy for plan in held_out)


def test_the_demos_scanners_all_differ() -> None:
    scanners = [plan.scanner for plan in PRESETS["demo"]]
    assert len(set(scanners)) == len(scanners) == 6
    assert {s.padding for s in scanners} == {None, -2000, -3024}
    assert {s.signed for s in scanners} == {True, False}
    assert len({(s.slope, s.intercept) for s in scanners}) >= 4
