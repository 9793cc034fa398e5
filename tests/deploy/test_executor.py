"""Apps start as forks of a process that has loaded them, and Flower's options stay what they are."""

import json
import os
import re
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path

import pytest
from flwr.supercore.constant import TaskType
from flwr.supercore.superexec.executor import ExecutionSpec, LaunchResultStatus

from deploy.environment import BIN, COORDINATOR_EXECUTOR, quiet_environment
from deploy.executor import ForkExecutor
from tests.support.executor_app import STAYS
from tests.support.processes import ROOT, wait_until


def spec_of(task: int, told: Path, *, silent: bool) -> ExecutionSpec:
    return ExecutionSpec(
        task_type=TaskType.CLIENT_APP,
        runtime_api_address="127.0.0.1:1",
        token=str(told),
        insecure=True,
        root_certificates_path=None,
        runtime_dependency_install=False,
        parent_pid=os.getpid(),
        suppress_output=silent,
        task_id=task,
    )


def descriptors() -> int:
    """Files and pipes that this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def _no_fork_server():
    """A fork server that an earlier test of this process left has imported other modules."""
    forkserver._forkserver._stop()


def test_each_app_is_a_process_of_its_own_and_loaded_once(tmp_path, capfd):
    executor = ForkExecutor("tests.support.executor_app")
    before = descriptors()
    files = {task: tmp_path / f"{task}.json" for task in (1, 2)}
    for task, file in files.items():
        launched = executor.launch(spec_of(task, file, silent=task == 2))
        assert launched.status == LaunchResultStatus.ACCEPTED
    for file in files.values():
        wait_until(file.exists, seconds=60, what="the app")
    told = [json.loads(file.read_text()) for file in files.values()]
    assert [one["task"] for one in told] == [1, 2]
    assert len({one["run_by"] for one in told} | {one["loaded_by"] for one in told} | {os.getpid()}) == 4
    assert all(one["started_by"] == one["loaded_by"] for one in told)

    def nothing_left() -> bool:
        """A node runs for months: no process, file or pipe may stay."""
        executor.reconcile()
        running = any(Path(f"/proc/{one['run_by']}").exists() for one in told)
        return not running and descriptors() <= before

    wait_until(nothing_left, seconds=30, what="the end of both")
    assert capfd.readouterr().out.splitlines() == ["said 1"]


def test_an_executor_that_ends_ends_its_apps(tmp_path):
    executor, told = ForkExecutor("tests.support.executor_app"), tmp_path / "told.json"
    executor.launch(spec_of(STAYS, told, silent=True))
    wait_until(told.exists, seconds=60, what="the app")
    app = Path(f"/proc/{json.loads(told.read_text())['run_by']}")
    assert app.exists()
    executor.close()
    wait_until(lambda: not app.exists(), seconds=30, what="its end")


def options(command: list[str], home: Path) -> set[str]:
    """The options that a program says it takes."""
    done = subprocess.run(
        [*command, "--help"],
        env=quiet_environment(home),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.ci
def test_ours_takes_the_arguments_of_flowers(tmp_path):
    flowers = options([str(BIN / "flower-superexec")], tmp_path)
    assert (
        options([sys.executable, *COORDINATOR_EXECUTOR], tmp_path) == flowers
        and "--runtime-api-address" in flowers
    )
