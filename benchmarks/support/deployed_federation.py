"""Rounds of our deployment on loopback: TLS, proxy, nodes with keys, and trainers that train nothing."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from client.hospital_settings import load_hospital_settings
from client.trainer.study_decisions import Decider, HospitalDecisions
from preprocessing.settings import PreprocessingSettings
from server.app import INITIAL
from shared_model.study import load_study
from tests.support.deployment import Deployment
from tests.support.processes import pneumofed, wait_until

STUDY = f"""\
name = "no-op"
preprocessing = "{PreprocessingSettings().fingerprint}"
[network]
width = 1.0
init = "random"
[[stages]]
name = "lobes"
networks = ["diseased", "covid"]
rounds = ROUNDS
"""

SERVERAPP, SUPERLINK = "server.process", "superlink_process"
"""Parts of the command lines by which the two processes are recognised."""


@dataclass(frozen=True)
class RoundCosts:
    """What rounds cost.

    rounds_s: seconds of each round but the first.
    first_training_s: from the start of `coordinator run` to the first line "train" in an audit log.
    serverapp_mb, superlink_mb: largest resident memory of the process, MB (10^6 bytes).
    """

    rounds_s: list[float]
    first_training_s: float
    serverapp_mb: float
    superlink_mb: float


class StubDeployment(Deployment):
    """Hospitals whose trainers are stub_trainer.py."""

    def stock(self, name: str) -> None:
        """There is nothing to store."""

    def join(self, name: str) -> subprocess.Popen[bytes]:
        site = self.site(name)
        self._start(f"{name}-trainer", [sys.executable, "-m", "benchmarks.support.stub_trainer", str(site)])
        return self._start(f"{name}-node", pneumofed("hospital", "node", "--site", site))


def our_rounds(folder: Path, weights: Path, *, hospitals: int, rounds: int) -> RoundCosts:
    """Run a study of `rounds` rounds from the initial weights in `weights` at all hospitals."""
    names = {f"h{number:02d}": "training" for number in range(hospitals)}
    deployment = StubDeployment(folder, names, quorum=hospitals)
    study = folder / "no-op.toml"
    study.write_text(STUDY.replace("ROUNDS", str(rounds)))
    deployment.provision()
    initial = folder / "coordinator" / "studies" / load_study(study).fingerprint / INITIAL
    initial.parent.mkdir()
    shutil.copy(weights, initial)  # drawing them takes a minute, once a study
    serve = deployment.serve()
    with peaks(serve.pid) as mb:
        try:
            wait_until(
                deployment.serving, seconds=180, what="SuperLink"
            )  # nodes wait longer after each failure
            for name in names:
                deployment.join(name)
            deployment.wait_until_online(*names, seconds=900)
            deployment.propose(study)
            for name in names:
                _approve(deployment, name)
            begun = time.time()
            deployment.weights(deployment.run(study))
            first = min(_first_training(deployment, name) for name in names)
        finally:
            deployment.close()
    (ledger,) = folder.glob("coordinator/studies/*/ledger")
    ends = [path.stat().st_mtime for path in sorted(ledger.glob("00-*.json"))]
    return RoundCosts(
        rounds_s=[after - before for before, after in zip(ends, ends[1:], strict=False)],
        first_training_s=first - begun,
        serverapp_mb=mb[SERVERAPP],
        superlink_mb=mb[SUPERLINK],
    )


def _approve(deployment: Deployment, name: str) -> None:
    decisions = HospitalDecisions(load_hospital_settings(deployment.site(name)))
    wait_until(lambda: decisions.approvals.all(), seconds=5, what=f"the proposal at {name}")
    decisions.approve(decisions.proposed(None), Decider.user())


def _first_training(deployment: Deployment, name: str) -> float:
    trainings = [e for e in deployment.audit(name) if e.event == "task" and e.facts["task"] == "train"]
    return datetime.fromisoformat(trainings[0].time).timestamp()


@contextmanager
def peaks(ancestor: int) -> Iterator[dict[str, float]]:
    """Largest resident memory, in MB, of descendants of `ancestor`, by a part of their command lines."""
    most = dict.fromkeys((SERVERAPP, SUPERLINK), 0.0)
    ending = threading.Event()

    def watch() -> None:
        while not ending.wait(1.0):
            for process in _descendants(ancestor):
                command, mb = _memory(process)
                for name in most:
                    if name in command:
                        most[name] = max(most[name], mb)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ending.set()
        thread.join()


def _descendants(ancestor: int) -> list[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    found, added = {ancestor}, True
    while added:
        below = {pid for pid, parent in parents.items() if parent in found} - found
        found, added = found | below, bool(below)
    return sorted(found)


def _memory(process: int) -> tuple[str, float]:
    """Command line, and the kernel's own record of the peak (VmHWM)."""
    folder = Path("/proc") / str(process)
    try:
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        lines = (folder / "status").read_text().splitlines()
    except OSError:
        return "", 0.0
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return command, sum(kilobytes) * 1024 / 1e6
