"""`prepare` killed at each of its steps on the disk, and at random moments: nothing is lost or doubled."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from preprocessing.prepare import prepare
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.store_lock import only_writer
from shared_model.errors import PneumofedError
from tests.support.labelled_studies import start_prepare, write_hospital, write_labels
from tests.support.processes import ROOT

# Forks a child a step: it dies before its n-th system call that opens, makes, renames or removes something
# of the store. Then a second child goes on, and all that is there must be sound and complete.
_EVERY_STEP = """
import os, shutil, signal, sys
from pathlib import Path
from preprocessing.prepare import prepare
from preprocessing.store.lobe_store import LobeStore

folder, store = Path(sys.argv[1]), Path(sys.argv[1]) / "stores" / "store"
EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}

def run(last_step):
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    steps = 0
    def count(event, arguments):
        nonlocal steps
        if event in EVENTS and str(store.parent) in str(arguments[0]):
            steps += 1
            if steps == last_step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    report = prepare(folder / "studies", folder / "labels.csv", store)
    os._exit(0 if (report.added + report.present, report.rejected) == (1, 1) else 3)

def check():
    opened = LobeStore.open(store)
    for scan in opened.scans():
        opened.verify(scan.key)
    return len(opened.scans())

step, kept = 0, 0
while True:
    step += 1
    shutil.rmtree(store.parent, ignore_errors=True)
    store.parent.mkdir()
    ended = run(step)
    assert ended in (0, -signal.SIGKILL), ended
    if (store / "store.json").exists():  # without it the folder is not a store yet
        kept += check()
    assert run(0) == 0
    assert check() == 1
    left = {path.relative_to(store.parent).parts[:2] for path in store.parent.rglob("*")}
    names = ("rejected.csv", "review.csv", "review.html", "secret.key", "sheets", "store.json", "studies")
    assert left == {("store",), *(("store", name) for name in names)}, left
    (key,) = (path.name for path in (store / "studies").iterdir())
    assert sorted(path.name for path in (store / "sheets").iterdir()) == [f"{key}.jpg", f"{key}.json"]
    assert key in (store / "review.csv").read_text()
    if ended == 0:
        break
print(step, kept)
"""


def test_killed_before_every_step_on_the_disk(tmp_path: Path) -> None:
    studies, _ = write_hospital(tmp_path, 1)
    (studies / "bad").mkdir()
    (studies / "bad" / "letter.txt").write_text("not a scan")
    write_labels(tmp_path, {"Doe^John0": "covid", "bad": "other"})
    done = subprocess.run(
        [sys.executable, "-c", _EVERY_STEP, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps, kept = map(int, done.stdout.split())
    assert steps > 20 and kept > 3  # some died after the study was in its place


@pytest.mark.ci
def test_killed_at_random_moments_again_and_again(tmp_path: Path) -> None:
    """Runs of two workers, each killed at a random moment, until one gets through."""
    studies, labels = write_hospital(tmp_path, 12)
    store, rng, seen = tmp_path / "store", np.random.default_rng(0), set[str]()
    for _ in range(60):
        process = start_prepare(tmp_path, 2)
        try:
            process.wait(timeout=rng.uniform(0.5, 6))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        if store.exists():
            keys = {scan.key for scan in LobeStore.open(store).scans()}
            assert seen <= keys  # nothing is lost
            seen = keys
        if process.returncode == 0:
            break
    assert prepare(studies, labels, store).present == 12
    opened = LobeStore.open(store)
    assert len(opened.scans()) == 12
    for scan in opened.scans():
        opened.verify(scan.key)
    assert not list(tmp_path.rglob("*.partial"))


def test_a_store_has_one_writer(tmp_path: Path) -> None:
    studies, labels = write_hospital(tmp_path, 1)
    prepare(studies, labels, tmp_path / "store")
    with only_writer(tmp_path / "store"), pytest.raises(PneumofedError) as error:
        prepare(studies, labels, tmp_path / "store")
    assert error.value.code == "store-busy"
    assert prepare(studies, labels, tmp_path / "store").present == 1
