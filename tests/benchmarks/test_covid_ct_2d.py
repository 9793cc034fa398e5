"""benchmarks/covid_ct_2d.py: who is tested on whom, and the command."""

import json
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import covid_ct_2d
from benchmarks.covid_ct_2d import folds_of
from benchmarks.support import image_metrics, image_shortcuts, image_training
from benchmarks.support.image_training import split_by_patient
from benchmarks.support.published_images import CtImage
from tests.support.published_images import patients


def test_no_patient_is_on_two_sides() -> None:
    images = patients(60)
    folds = folds_of(images)
    tested = [i.name for _, test in folds for i in test]
    assert sorted(tested) == sorted(i.name for i in images) and len(folds) == 5
    for train, test in folds:
        assert len(train) + len(test) == len(images)
        assert not {i.patient for i in train} & {i.patient for i in test}
        assert 0.25 < np.mean([i.covid for i in test]) < 0.75
        sites = split_by_patient(train, 5)
        assert sorted(i.name for site in sites for i in site) == sorted(i.name for i in train)
        for one, other in combinations(sites, 2):
            assert not {i.patient for i in one} & {i.patient for i in other}


def test_one_folder_teaches_and_another_tests(tmp_path, monkeypatch, capsys, initial) -> None:
    for name, count in (("train", 12), ("test", 6)):
        write(tmp_path / name, patients(count, most=1))
    monkeypatch.setattr(image_training, "PASSES", 1)
    monkeypatch.setattr(image_training, "POOLED_ROUNDS", 1)
    monkeypatch.setattr(image_training, "FEDERATED_ROUNDS", 1)
    monkeypatch.setattr(image_training, "SITES", 2)
    monkeypatch.setattr(covid_ct_2d, "phantom_weights", lambda jobs: initial)
    monkeypatch.setattr(image_shortcuts, "TREES", 10)
    monkeypatch.setattr(image_metrics, "RESAMPLES", 50)
    folders = ["--train", str(tmp_path / "train"), "--test", str(tmp_path / "test")]
    monkeypatch.setattr(sys, "argv", ["covid_ct_2d", *folders, "--jobs", "1", "--json"])
    covid_ct_2d.main()
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["tested_images"] == 6
    for name in ("auc_pooled", "auc_federated", "auc_file_logistic", "auc_pooled_low"):
        assert 0 <= document["figures"][name] <= 1


def test_one_folder_alone_is_wrong_use(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["covid_ct_2d", "--train", "somewhere"])
    with pytest.raises(SystemExit) as stopped:
        covid_ct_2d.main()
    assert stopped.value.code == 2


def write(folder: Path, images: list[CtImage]) -> None:
    (folder / "images").mkdir(parents=True)
    lines = ["image,covid,patient"]
    for one in images:
        Image.fromarray(one.pixels).save(folder / "images" / one.name)
        lines.append(f"{one.name},{int(one.covid)},{one.patient}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
