"""Resuming a round after any step is bit-identical to not interrupting it; another round does not resume."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import client.learning.step_checkpoint
from client.learning.site import Site
from shared_model.weights import Weights
from tests.support.small_site import WEIGHTS
from tests.support.stepwise_site import SCANS, STEPS, STEPWISE, site
from tests.support.stores import scan_of


@pytest.fixture(scope="module")
def whole():
    """The result of an uninterrupted round."""
    return site(None).train(WEIGHTS, stage=0, round=1)


@pytest.fixture(autouse=True)
def each_step_is_saved(monkeypatch):
    monkeypatch.setattr(client.learning.step_checkpoint, "SAVE_EVERY_S", 0.0)


class PowerFailure(BaseException):
    """Ends the training from outside."""


def interrupt(hospital: Site, *, after: int, round: int = 1) -> None:
    """Train until `after` steps of the round are done."""
    steps = iter(range(1, after + 1))

    def progress(*_) -> None:
        if next(steps) == after:
            raise PowerFailure

    with pytest.raises(PowerFailure):
        hospital.train(WEIGHTS, stage=0, round=round, progress=progress)


def same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("after", [1, 3, 5])
def test_resuming_is_bit_identical(tmp_path, whole, after):
    interrupt(site(tmp_path), after=after)
    seen = []
    again = site(tmp_path).train(WEIGHTS, stage=0, round=1, progress=lambda *step: seen.append(step))
    assert same(again.weights, whole.weights) and again.loss == whole.loss and again.scans == whole.scans
    assert len(seen) == STEPS - after and seen[-1] == (3, 3)
    assert not list((tmp_path / "unfinished").iterdir())


def test_twice_interrupted(tmp_path, whole):
    interrupt(site(tmp_path), after=2)
    interrupt(site(tmp_path), after=1)
    assert same(site(tmp_path).train(WEIGHTS, stage=0, round=1).weights, whole.weights)


@pytest.mark.parametrize("other", ["round", "weights", "scans", "study"])
def test_another_training_does_not_resume_it(tmp_path, other):
    interrupt(site(tmp_path), after=3)
    study, scans, weights, round = STEPWISE, SCANS, WEIGHTS, 1
    match other:
        case "round":
            round = 2
        case "weights":
            weights = {name: array + np.float32(1e-3) for name, array in WEIGHTS.items()}
        case "scans":
            scans = [scan_of("s0", "other", slices=1), *SCANS[1:]]
        case "study":
            study = STEPWISE.model_copy(update={"seed": 6})
    seen = []
    fresh = site(None, study, scans).train(weights, stage=0, round=round)
    found = site(tmp_path, study, scans).train(
        weights, stage=0, round=round, progress=lambda *step: seen.append(step)
    )
    assert same(found.weights, fresh.weights) and len(seen) == STEPS


@pytest.mark.parametrize("damage", ["rubbish", "a flipped bit"])
def test_a_damaged_checkpoint_costs_the_round_alone(tmp_path, whole, damage):
    interrupt(site(tmp_path), after=3)
    path = tmp_path / "unfinished" / "diseased.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(b"rubbish" if damage == "rubbish" else content)
    assert same(site(tmp_path).train(WEIGHTS, stage=0, round=1).weights, whole.weights)


def test_steps_are_not_saved_more_often_than_they_should(tmp_path, monkeypatch):
    monkeypatch.setattr(client.learning.step_checkpoint, "SAVE_EVERY_S", 3600.0)
    interrupt(site(tmp_path), after=3)
    assert not (tmp_path / "unfinished").exists()


KILLED = """
import os, pathlib, signal, sys
import client.learning.step_checkpoint
from tests.support.small_site import WEIGHTS
from tests.support.stepwise_site import site
client.learning.step_checkpoint.SAVE_EVERY_S = 0.0
def progress(done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
site(pathlib.Path(sys.argv[1])).train(WEIGHTS, stage=0, round=1, progress=progress)
"""


def test_a_killed_process_loses_no_step(tmp_path, whole):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=os.environ, timeout=300)
    assert done.returncode == -signal.SIGKILL
    seen = []
    again = site(tmp_path).train(WEIGHTS, stage=0, round=1, progress=lambda *step: seen.append(step))
    assert seen[0] == (4, 4)
    assert same(again.weights, whole.weights) and again.loss == whole.loss
