"""Adam's moments between rounds: kept, repeated alike, and another study's ignored."""

from pathlib import Path

import pytest

from client.learning.local_training import PlainTraining
from shared_model.errors import PneumofedError
from shared_model.weights import Weights
from tests.support.small_site import WEIGHTS, site_in_memory
from tests.support.small_study import STUDY
from tests.support.stores import scan_of

SCANS = [scan_of("a1", "covid"), scan_of("a2", "other"), scan_of("a3", "healthy"), scan_of("a4", "covid")]
KEPT = STUDY.model_copy(
    update={
        "stages": (
            STUDY.stages[0].model_copy(update={"optimizer_state": "kept", "rounds": 3}),
            STUDY.stages[1],
        )
    }
)


def site(folder: Path, study=KEPT):
    return site_in_memory(
        SCANS, study=study, training=lambda study, scans: PlainTraining(study, scans, folder)
    )


def train(site, round: int, weights: Weights = WEIGHTS) -> Weights:
    return site.train(weights, stage=0, round=round).weights


def same(one: Weights, other: Weights) -> bool:
    return all((one[name] == other[name]).all() for name in one)


def test_the_second_round_depends_on_the_first(tmp_path: Path) -> None:
    fresh = train(site(tmp_path / "fresh"), 2)
    train(site(tmp_path / "kept"), 1)
    kept = train(site(tmp_path / "kept"), 2)  # another process reads it from the file
    reset = train(site(tmp_path / "reset", STUDY), 2)
    assert not same(kept, fresh)
    assert same(fresh, reset)


def test_a_repeated_round_is_alike(tmp_path: Path) -> None:
    train(site(tmp_path), 1)
    first = train(site(tmp_path), 2)
    assert same(train(site(tmp_path), 2), first)
    names = sorted(path.name for path in (tmp_path / "optimizer").iterdir())
    assert names == [
        f"{task}-00-{round:04d}.safetensors" for task in ("covid", "diseased") for round in (1, 2)
    ]
    train(site(tmp_path), 3)
    names = sorted(path.name for path in (tmp_path / "optimizer").iterdir())
    assert names == [
        f"{task}-00-{round:04d}.safetensors" for task in ("covid", "diseased") for round in (2, 3)
    ]


def test_the_state_of_another_study_is_ignored_and_a_damaged_one_refused(tmp_path: Path) -> None:
    other = KEPT.model_copy(update={"name": "another"})
    train(site(tmp_path, other), 1)
    fresh = train(site(tmp_path / "fresh"), 2)
    assert same(train(site(tmp_path), 2), fresh)
    train(site(tmp_path), 1)
    for path in (tmp_path / "optimizer").iterdir():
        path.write_bytes(b"half")
    with pytest.raises(PneumofedError) as refused:
        train(site(tmp_path), 2)
    assert refused.value.code == "optimizer-damaged"


def test_without_a_folder_it_is_refused() -> None:
    with pytest.raises(PneumofedError) as refused:
        train(site_in_memory(SCANS, study=KEPT), 1)
    assert refused.value.code == "no-state-folder"
