"""Steps of an installation: what fails is named, and words are quoted for the shell."""

import subprocess

import pytest

from deploy.shell_steps import Step, check_root, command, do_steps, script
from shared_model.errors import PneumofedError


def test_a_step_that_fails_says_what_and_why_and_ends_the_installation(tmp_path):
    later = Step("Later", command("touch", tmp_path / "later"))
    said: list[str] = []
    with pytest.raises(PneumofedError) as caught:
        do_steps([Step("The user x", "echo no useradd here >&2; false"), later], said.append)
    assert caught.value.code == "install-failed" and "The user x: no useradd here" in str(caught.value)
    assert said == ["The user x"] and not (tmp_path / "later").exists()


def test_only_root_installs(monkeypatch):
    check_root()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(PneumofedError, match="--print"):
        check_root()


def test_a_script_does_its_steps_in_their_order(tmp_path):
    odd = tmp_path / "north's $kit"
    steps = [Step("A folder", command("mkdir", odd)), Step("A file", command("touch", odd / "a"))]
    done = subprocess.run(["sh"], input=script("Odd", steps, "true"), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and (odd / "a").is_file()
