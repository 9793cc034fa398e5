"""The programs that Flower starts by name: ours come first, take what Flower's take, and load less."""

import re
import shutil
import subprocess

import pytest

from deploy.environment import BIN, STARTED_BY_NAME, flower_environment, quiet_environment


def options(program: str, environment: dict[str, str]) -> set[str]:
    """The options that it says it takes."""
    done = subprocess.run([program, "--help"], env=environment, capture_output=True, text=True, check=True)
    return set(re.findall(r"--[a-z-]+", done.stdout))


def test_ours_are_found_first_and_flowers_where_ours_may_not_be_run(tmp_path):
    environment = flower_environment(tmp_path)
    for name in STARTED_BY_NAME:
        assert shutil.which(name, path=environment["PATH"]) == str(tmp_path / "bin" / name)
        assert shutil.which(name, path=quiet_environment(tmp_path)["PATH"]) == str(BIN / name)
    (tmp_path / "bin" / "flwr-clientapp").chmod(
        0o600
    )  # to exec it fails as on a file system without programs
    assert shutil.which("flwr-clientapp", path=environment["PATH"]) == str(BIN / "flwr-clientapp")


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTED_BY_NAME)
def test_ours_take_the_arguments_of_flowers(tmp_path, name):
    ours = options(name, flower_environment(tmp_path))
    assert ours == options(name, quiet_environment(tmp_path)) and "--runtime-api-address" in ours
