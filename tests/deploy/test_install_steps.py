"""The steps of an installation as shell: read by sh, and done where they touch nothing of the machine."""

import subprocess
from pathlib import Path

import pytest

from client.hospital_settings import load_hospital_settings
from deploy.install_steps import Plan
from deploy.shell_steps import Step


@pytest.fixture
def plan(tmp_path) -> Plan:
    """Of a kit with an apostrophe in its folder's name, which stays where it is."""
    folder = tmp_path / "north's kit"
    folder.mkdir()
    (folder / "hospital.toml").write_text('name = "north"\n[coordinator]\naddress = "127.0.0.1:9"\n')
    return Plan(folder, load_hospital_settings(folder / "hospital.toml"), folder, Path("/opt/p/pneumofed"))


def elsewhere(plan: Plan, target: Path) -> Plan:
    hospital = plan.hospital
    store, state = target / "store", target / "state"
    return Plan(
        plan.source, hospital.model_copy(update={"store": store, "state": state}), target, plan.program
    )


def step(plan: Plan, words: str) -> Step:
    (found,) = [one for one in plan.steps() if words in one.words]
    return found


def do(one: Step) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-euc", one.shell], capture_output=True, text=True)


def test_the_script_is_the_steps_and_sh_can_read_it(plan):
    script = plan.script()
    assert [script.index(f"# {one.words}\n{one.shell}\n") for one in plan.steps()] == sorted(
        script.index(f"# {one.words}\n{one.shell}\n") for one in plan.steps()
    )
    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_kit_that_is_where_the_services_look_is_not_copied(plan, tmp_path):
    there = [one.words for one in plan.steps()]
    moved = [one.words for one in elsewhere(plan, tmp_path / "target").steps()]
    assert not [words for words in there if "kit" in words] and [words for words in moved if "kit" in words]
    assert [words for words in moved if words in there] == there


def test_a_store_is_moved_once_and_never_over_another(plan, tmp_path):
    target = tmp_path / "target"
    move = step(elsewhere(plan, target), "The store")
    (plan.source / "store").mkdir()
    (plan.source / "store" / "scan").touch()
    (target / "store").mkdir(parents=True)  # empty: made by an installation before
    for _ in range(2):
        assert do(move).returncode == 0
        assert (target / "store" / "scan").is_file() and not (plan.source / "store").exists()
    (plan.source / "store").mkdir()
    done = do(move)
    assert done.returncode != 0 and "not empty" in done.stderr
    assert (target / "store" / "scan").is_file() and not (target / "store" / "store").exists()


def test_settings_that_are_there_are_kept(plan, tmp_path):
    copy = step(elsewhere(plan, tmp_path), "settings")
    (tmp_path / "hospital.toml").write_text("edited")
    assert do(copy).returncode == 0 and (tmp_path / "hospital.toml").read_text() == "edited"
    (tmp_path / "hospital.toml").unlink()
    assert do(copy).returncode == 0 and "north" in (tmp_path / "hospital.toml").read_text()
