"""Weights computed in a process of its own: drawn once, the same bits, and torch is not loaded here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import torch_process
from shared_model.errors import PneumofedError
from shared_model.initial_weights import start_from_patches
from shared_model.study_stage import StageConfig
from shared_model.weights import fingerprint
from tests.support.fake_sites import BOTH, study_of
from tests.support.initial_weights import initial_weights
from tests.support.processes import ROOT

NEXT = StageConfig(name="next", networks=("covid",), rounds=1, start_from_patches=True)
STUDY = study_of(BOTH, NEXT)
STUDY = STUDY.model_copy(update={"network": STUDY.network.model_copy(update={"width": 0.0625})})

SCRIPT = """
import sys
from pathlib import Path
from server.torch_process import stage_start_weights, load_or_create_initial_weights
from shared_model.study import StudyConfig
from shared_model.weights import fingerprint
if __name__ == "__main__":
    study = StudyConfig.model_validate_json(Path("study.json").read_text())
    weights = load_or_create_initial_weights(Path("initial.safetensors"), study)
    begun = stage_start_weights(weights, study.stages[1], study)
    print(fingerprint(weights), fingerprint(begun), "torch" in sys.modules)
"""


def test_the_round_loops_process_gets_the_same_bits_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study.json").write_text(STUDY.model_dump_json())
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    weights = initial_weights(STUDY)
    expected, begun = fingerprint(weights), fingerprint(start_from_patches(weights, ("covid",), STUDY))
    assert done.stdout.split() == [expected, begun, "False"]
    monkeypatch.setattr(torch_process, "_in_own_process", lambda *_: pytest.fail("drawn again"))
    again = torch_process.load_or_create_initial_weights(tmp_path / "initial.safetensors", STUDY)
    assert fingerprint(again) == expected


def test_a_stage_begins_here_where_torch_is_loaded_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_process, "_in_own_process", lambda *_: pytest.fail("a process of its own"))
    weights = initial_weights(STUDY)
    begun = torch_process.stage_start_weights(weights, NEXT, STUDY)
    assert fingerprint(begun) == fingerprint(start_from_patches(weights, ("covid",), STUDY))
    assert fingerprint(begun) != fingerprint(weights)
    assert torch_process.stage_start_weights(weights, BOTH, STUDY) is weights


def test_a_damaged_file_is_not_drawn_anew(tmp_path: Path) -> None:
    path = tmp_path / "initial.safetensors"
    path.write_bytes(b"\x08" + bytes(30))
    with pytest.raises(PneumofedError) as caught:
        torch_process.load_or_create_initial_weights(path, STUDY)
    assert caught.value.code == "initial-weights-damaged"


def test_a_process_ended_from_outside_is_named() -> None:
    with pytest.raises(PneumofedError) as caught:
        torch_process._in_own_process(os._exit, 9)
    assert caught.value.code == "memory-short"
