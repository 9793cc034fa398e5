"""The command's own words: sites by name, and what is printed."""

import json
from pathlib import Path

import pytest

import deploy.commands.study_output
import deploy.simulate
from deploy.commands.root import main
from deploy.simulation.store_sites import SimulatedHospital
from shared_model.study import load_study


@pytest.fixture
def asked(monkeypatch) -> list:
    """What the command asks for, in place of doing it."""
    calls: list = []

    def run(out, simulation, command, steps):
        calls.append((out, simulation, command))
        return {
            "pooled": {},
            "warnings": ["Only north trains."],
            "weights_sha256": "ab",
            "seconds": {"training together": 3.2},
        }

    monkeypatch.setattr(deploy.simulate, "run_simulation", run)
    monkeypatch.setattr(deploy.commands.study_output, "study_lines", lambda document: ["the figures"])
    return calls


def code_of(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ending:
        main(["simulate", *map(str, arguments)])
    assert isinstance(ending.value.code, int)
    return ending.value.code


def test_sites_study_and_settings_are_what_was_written(asked, capsys, tmp_path):
    out = tmp_path / "sim"
    assert code_of(
        "--site", "north=/data/Doe=1:a", "--site", "far=stores/far:held-out", "--study", "tiny", "--out", out,
        "--engine", "workers", "--device", "cuda:1", "--seed", 4, "--floor", 3,
        "--strategy", "my.module:step",
    ) == 0  # fmt: skip
    ((found_out, simulation, command),) = asked
    assert found_out == out
    assert simulation.hospitals == (
        SimulatedHospital("north", "training", Path("/data/Doe=1:a")),
        SimulatedHospital("far", "held-out", Path("stores/far")),
    )
    assert simulation.study == load_study("tiny").model_copy(update={"seed": 4})
    assert (simulation.count_floor, simulation.engine, simulation.device) == (3, "workers", "cuda:1")
    assert simulation.strategy == "my.module:step"
    assert command == (
        "pneumofed simulate --site north=STORE --site far=STORE:held-out --study tiny --out sim "
        "--engine workers --device cuda:1 --seed 4 --floor 3 --strategy my.module:step"
    )
    printed = capsys.readouterr()
    assert "the figures" in printed.out and "report.html" in printed.out
    assert "warning: Only north trains." in printed.err


def test_machines_get_one_json_object_and_defaults_are_short(asked, capsys, tmp_path):
    arguments = ("--site", "n=s", "--study", "tiny", "--out", tmp_path / "sim", "--json")
    assert code_of(*arguments) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == ["Only north trains."]
    ((_, simulation, command),) = asked
    assert command == "pneumofed simulate --site n=STORE --study tiny --out sim"
    assert (simulation.count_floor, simulation.engine, simulation.device) == (10, "local", "auto")
    assert simulation.study.seed == load_study("tiny").seed


@pytest.mark.parametrize(
    "site",
    ["north", "=store", "north=", "north=:held-out", "North=s", "a b=s", "-x=s", "../up=s", f"{'n' * 64}=s"],
)  # fmt: skip
def test_a_site_that_is_no_site_is_wrong_use(asked, capsys, tmp_path, site):
    assert code_of("--site", site, "--study", "tiny", "--out", tmp_path / "sim") == 2
    error = capsys.readouterr().err
    assert "NAME=STORE" in error and "Traceback" not in error and not asked


@pytest.mark.parametrize(
    "wrong",
    [("--floor", 0), ("--engine", "spark"), ("--device", "tpu"), ("--device", "cuda:"), ("--seed", -1)],
)
def test_a_setting_that_cannot_be_is_wrong_use(asked, tmp_path, wrong):
    assert code_of("--site", "n=s", "--study", "tiny", "--out", tmp_path / "sim", *wrong) == 2
    assert not asked


def test_a_study_that_is_not_there_is_refused(asked, capsys, tmp_path):
    assert code_of("--site", "n=s", "--study", "no-such", "--out", tmp_path / "sim") == 1
    assert "error [study-missing]" in capsys.readouterr().err and not asked


def test_a_gpu_that_is_not_there_is_refused(capsys, tmp_path):
    arguments = ("--site", "n=s", "--study", "tiny", "--out", tmp_path / "sim", "--device", "cuda:99")
    assert code_of(*arguments) == 1
    assert "error [no-device]" in capsys.readouterr().err and not (tmp_path / "sim").exists()
