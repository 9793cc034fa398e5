"""A deployed federation on this machine: a coordinator, two hospitals that train and one that is held out.

It gives the commands that people at a coordinator and at hospitals would give, each shown before it runs, to
real processes that talk over TLS. The scans are phantoms.

    OUT/federation.toml, coordinator/    the coordinator's
    OUT/HOSPITAL/                        a hospital's: kit, phantoms as DICOM, store, state
    OUT/logs/                            what the processes said
    OUT/report.html, report.json         the federation's report
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from client.hospital_settings import load_hospital_settings
from client.trainer.study_decisions import HospitalDecisions
from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document
from deploy.join import free_port
from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import SCANNERS, HospitalPlan
from preprocessing.processes import cores
from server.report.report_files import PAGE
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

HOSPITALS = (
    HospitalPlan("north", "training", 3, 3, 3, SCANNERS[0]),
    HospitalPlan("lakeside", "training", 3, 3, 3, SCANNERS[1]),
    HospitalPlan("harbour", "held-out", 2, 2, 2, SCANNERS[4]),
)
STUDY = "demo-quick"
TRAINED_ON = "Trained on phantoms only, to see a federation at work: it may have learned little."
FEDERATION = "federation.toml"

ONLINE_S, END_S, POLL_S = 120.0, 20.0, 0.2
"""How long hospitals may take to connect and processes to end; how often either is looked at. Seconds."""

Say = Callable[[str], None]


def try_federation(out: Path, *, say: Say, approve_all: bool) -> Path:
    """Set the federation up in the new folder `out`, run a short study, and end all processes.

    approve_all: approve without asking. Returns the report's path.

    Raises PneumofedError `out-exists`, `hospitals-offline`, or `command-failed` with the command that did, as
    `approve` does if the answer is no.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PneumofedError("out-exists", f"{out} is not empty; name a new folder or remove it")
    federation = _Federation(out.resolve(), say)
    federation.make()
    with ExitStack() as processes:
        processes.enter_context(federation.running("coordinator", "coordinator", "serve", FEDERATION))
        for hospital in HOSPITALS:
            joins = federation.running(hospital.name, "hospital", "join", "--site", _site(hospital))
            processes.enter_context(joins)
        federation.wait_until_online()
        federation.study("--propose")
        for hospital in HOSPITALS:
            federation.approve(hospital, ask=not approve_all)
        federation.study()
    federation.command("coordinator", "report", FEDERATION, "--study", STUDY, "--out", ".")
    return out / PAGE


def _site(hospital: HospitalPlan) -> str:
    return f"{hospital.name}/hospital.toml"


class _Federation:
    """The federation in `folder`; its commands run there."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.folder, self.say = folder, say

    def make(self) -> None:
        """Settings, keys, and at each hospital its kit and prepared phantoms."""
        (self.folder / "logs").mkdir(parents=True)
        write_atomically(self.folder / FEDERATION, _settings().encode())
        self.say(f"# The coordinator lists its hospitals in {FEDERATION}, and makes a kit for each.")
        self.command("coordinator", "provision", FEDERATION)
        self.say("# Each hospital unpacks its kit, and prepares its scans: phantoms, as DICOM.")
        for hospital in HOSPITALS:
            self._unpack(hospital)
            self._prepare(hospital)

    def _unpack(self, hospital: HospitalPlan) -> None:
        with zipfile.ZipFile(self.folder / "coordinator" / "kits" / f"{hospital.name}.zip") as kit:
            kit.extractall(self.folder)
        for key in ("hospital.key", "client.key"):
            (self.folder / hospital.name / key).chmod(0o600)
        site = self.folder / _site(hospital)
        # Phantoms are no patients: any count of them may be told.
        write_atomically(site, site.read_text().replace("count_floor = 10", "count_floor = 1").encode())

    def _prepare(self, hospital: HospitalPlan) -> None:
        place = self.folder / hospital.name
        made = make_hospitals([hospital], self.folder / "phantoms", seed=0, jobs=cores())
        shutil.move(made[0].folder, place / "scans")
        name = hospital.name
        studies, labels, store = f"{name}/scans/studies", f"{name}/scans/labels.csv", f"{name}/store"
        self.command("hospital", "prepare", studies, "--labels", labels, "--store", store)

    def wait_until_online(self) -> None:
        """Raises PneumofedError `hospitals-offline`."""
        end, federation = time.monotonic() + ONLINE_S, load_federation(self.folder / FEDERATION)
        while any(h["connection"] != "online" for h in status_document(federation)["hospitals"]):
            if time.monotonic() > end:
                raise PneumofedError(
                    "hospitals-offline", f"not all hospitals connected in {ONLINE_S:.0f} s; see {self.logs}"
                )
            time.sleep(POLL_S)
        self.command("coordinator", "status", FEDERATION)

    def study(self, *options: str) -> None:
        """Propose or run the study."""
        self.command(
            *("coordinator", "run", FEDERATION, "--study", STUDY, "--trained-on", TRAINED_ON, *options)
        )

    def approve(self, hospital: HospitalPlan, *, ask: bool) -> None:
        """Show what the hospital is asked, and let it be approved."""
        proposal = HospitalDecisions(load_hospital_settings(self.folder / _site(hospital))).proposed(None)
        answer = [] if ask else ["--yes"]
        self.command("hospital", "approve", proposal.fingerprint, *answer, "--site", _site(hospital))

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def command(self, *arguments: str) -> None:
        """Show the command and run it, with this terminal. Raises PneumofedError `command-failed`."""
        self.say(f"$ {shlex.join(['pneumofed', *arguments])}")
        done = subprocess.run(_command(arguments), cwd=self.folder, env=_environment())
        if done.returncode:
            raise PneumofedError(
                "command-failed",
                f"`pneumofed {' '.join(arguments[:2])}` ended with {done.returncode}; what the federation's "
                f"processes said is in {self.logs}",
            )

    @contextmanager
    def running(self, name: str, *arguments: str) -> Iterator[None]:
        """The command as a process beside this one, which is ended with the block."""
        self.say(f"$ {shlex.join(['pneumofed', *arguments])} &")
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                _command(arguments),
                cwd=self.folder,
                env=_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others in order
            )
        try:
            yield
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the process to end; kill it with all that it started if it does not."""
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "deploy.commands", *arguments]


def _environment() -> dict[str, str]:
    """Two hospitals train side by side: each gets half of the cores."""
    return {**os.environ, "OMP_NUM_THREADS": str(max(1, cores() // 2))}


def _settings() -> str:
    hospitals = "".join(f'\n[[hospitals]]\nname = "{h.name}"\nrole = "{h.role}"\n' for h in HOSPITALS)
    return (
        f'name = "trial"\nhosts = ["localhost", "127.0.0.1"]\nlisten = "127.0.0.1"\nport = {free_port()}\n'
        f"superlink_port = {free_port()}\ndeadline_minutes = 10\n{hospitals}"
    )
