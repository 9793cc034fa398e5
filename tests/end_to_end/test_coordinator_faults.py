"""The coordinator's process killed and moved, its disk full: the same command finishes with the same bits.

Real processes with the ServerApp, its ledger and status, on the engine `local` with hospitals without data.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server.status import read_status
from tests.support.processes import ROOT, running, wait_until

SCRIPT = """
import json, sys, time
from pathlib import Path
from flwr.app import Context, RecordDict
from deploy.simulation.local_grid import RUN_ID, LocalGrid, client_app
from server import app
from shared_model.saved_model import load_model
from shared_model.study_stage import StageConfig
from shared_model.weights import fingerprint
from tests.support.fake_sites import FakeSite, study_of, weights_of

STUDY = study_of(StageConfig(name="lobes", networks=("diseased", "covid"), rounds=4))

class Holding(FakeSite):
    def train(self, weights, *, stage, round):
        while round == 3 and Path("hold").exists():
            time.sleep(0.05)
        return super().train(weights, stage=stage, round=round)

def run(folder):
    app.load_study, app.load_or_create_initial_weights = lambda name: STUDY, lambda path, study: weights_of(0)
    sites = {name: Holding(name, STUDY) for name in ("a", "b")}
    grid = LocalGrid(client_app(sites.__getitem__), list(sites))
    config = {"study": "x", "folder": str(folder), "trained-on": "Nothing.", "quorum": 2}
    app.app(grid, Context(run_id=RUN_ID, node_id=1, node_config={}, state=RecordDict(), run_config=config))
    return fingerprint(load_model(Path(folder) / "model")[0])
"""

RUN = SCRIPT + "print(run(sys.argv[1]))\n"

ON_A_FULL_DISK = (
    SCRIPT
    + """
folder = Path(sys.argv[1])
filler = folder / "filler"
filler.write_bytes(bytes(int(sys.argv[2])))
try:
    run(folder)
    raise SystemExit("the disk was not full")
except OSError as error:
    full = error.errno
rounds = len(list((folder / "ledger").glob("00-*.json")))
left = [path.name for path in folder.rglob("*.partial")]
filler.unlink()
print(json.dumps({"errno": full, "rounds": rounds, "left": left, "weights": run(folder)}))
"""
)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run(folder: Path, cwd: Path) -> str:
    command = [sys.executable, "-c", RUN, str(folder)]
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(folder / "study", folder)


@pytest.mark.ci
def test_killed_in_a_round_and_moved_to_another_folder(tmp_path, undisturbed):
    hold, before, after = tmp_path / "hold", tmp_path / "here" / "study", tmp_path / "there" / "study"
    hold.touch()
    before.parent.mkdir()
    # `running` starts in the project's folder: the script goes to its own first.
    start = [sys.executable, "-c", f"import os; os.chdir({str(tmp_path)!r})\n{RUN}", str(before)]
    with running(start, tmp_path / "log") as process:
        wait_until(
            lambda: (status := read_status(before / "status.json")) is not None and status.round == 3,
            seconds=120,
            what="round 3",
        )
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
    status = read_status(before / "status.json")
    assert status is not None and (status.state, status.round, status.rounds_done) == ("running", 3, 2)
    hold.unlink()
    after.parent.mkdir()
    before.rename(after)
    assert run(after, tmp_path) == undisturbed
    status = read_status(after / "status.json")
    assert status is not None and (status.state, status.rounds_done) == ("completed", 4)


@pytest.mark.ci
def test_a_full_disk_ends_the_run_and_the_same_command_finishes_it(tmp_path, undisturbed):
    disk = tmp_path / "disk"
    disk.mkdir()
    kilobytes, filler = 2048, (2048 - 28) * 1024
    mount = f'mount -t tmpfs -o size={kilobytes}k none {disk} && exec "$@"'
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(disk), str(filler)]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", *command],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip("file systems cannot be mounted here")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errno"] == 28 and 0 < found["rounds"] < 4 and found["left"] == []
    assert found["weights"] == undisturbed
