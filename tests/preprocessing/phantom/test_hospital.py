"""Hospitals on disk: layout, determinism, resuming, refusals."""

import csv
import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import hospital_plans
from shared_model.errors import PneumofedError

NINE = hospital_plans("tiny", 9)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_study_has_its_label_its_slices_and_its_truth(tiny_hospitals: Path) -> None:
    for plan in NINE:
        folder = tiny_hospitals / plan.name
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


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_jobs(
    tiny_hospitals: Path, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    make_hospitals(NINE, tmp_path, seed=3, jobs=2, progress=lambda *step: seen.append(step))
    assert _digests(tmp_path) == _digests(tiny_hospitals)
    assert seen == [(done, 9) for done in range(10)]


def test_what_is_there_is_kept_and_the_rest_is_made(tiny_hospitals: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_hospitals, copy)
    shutil.rmtree(copy / "north" / "studies" / "s0002")
    (copy / "lakeside" / "truth" / "s0001.npz").unlink()
    kept = copy / "harbour" / "studies" / "s0001"
    before = kept.stat().st_mtime_ns
    seen: list[tuple[int, int]] = []
    make_hospitals(NINE, copy, seed=3, progress=lambda *step: seen.append(step))
    assert _digests(copy) == _digests(tiny_hospitals)
    assert kept.stat().st_mtime_ns == before
    assert seen == [(7, 9), (8, 9), (9, 9)]


def test_another_recipe_does_not_mix_into_a_folder(tiny_hospitals: Path) -> None:
    before = _digests(tiny_hospitals)
    with pytest.raises(PneumofedError) as refused:
        make_hospitals(NINE, tiny_hospitals, seed=4)
    assert refused.value.code == "phantom-folder"
    with pytest.raises(PneumofedError):
        make_hospitals([replace(plan, law="reversed") for plan in NINE], tiny_hospitals, seed=3)
    assert _digests(tiny_hospitals) == before


def test_hospitals_and_scans_differ(tiny_hospitals: Path) -> None:
    truths = [path.read_bytes() for path in tiny_hospitals.rglob("*.npz")]
    assert len(set(truths)) == len(truths) == 9
