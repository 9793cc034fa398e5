"""A federation as it is deployed, on this machine: coordinator, proxy and hospitals as real processes."""

import json
import os
import re
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from client.hospital_settings import load_hospital_settings
from client.records.audit import AuditLog
from client.records.chained_log import Entry
from deploy.coordinator.certificates import key_from_pem, new_server_certificate
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation, load_federation
from deploy.coordinator.status import status_document
from deploy.join import free_port
from shared_model.files import write_atomically
from shared_model.saved_model import load_model
from shared_model.weights import Weights
from tests.support.processes import ROOT, pneumofed, running, wait_until
from tests.support.stores import MadeScan, disk_store, scan_of

LABELS = ("covid", "healthy", "other")


class Deployment:
    """hospitals: name -> role. Each has three scans, which its name decides.

    host: what hospitals call; listen: where the proxy listens.
    """

    def __init__(
        self,
        folder: Path,
        hospitals: dict[str, str],
        *,
        quorum: int | None = None,
        host: str = "localhost",
        listen: str = "127.0.0.1",
        deadline_minutes: float = 8,
    ) -> None:
        self.folder, self.hospitals = folder, hospitals
        self.file = folder / "federation.toml"
        enough = "" if quorum is None else f"quorum = {quorum}\n"
        entries = "".join(f'[[hospitals]]\nname = "{n}"\nrole = "{r}"\n' for n, r in hospitals.items())
        self.file.write_text(
            f'name = "test"\nhosts = ["{host}", "127.0.0.1"]\nport = {free_port()}\n'
            f'listen = "{listen}"\nsuperlink_port = {free_port()}\n{enough}'
            f"deadline_minutes = {deadline_minutes}\n{entries}"
        )
        self._started = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    @contextmanager
    def started(cls, *arguments: Any, **settings: Any) -> Iterator[Self]:
        """Made of what `__init__` takes, served, and every hospital there; all of it ended afterwards."""
        deployment = cls(*arguments, **settings)
        deployment.provision()
        deployment.serve()
        try:
            for name in deployment.hospitals:
                deployment.join(name)
            deployment.wait_until_online(*deployment.hospitals)
            yield deployment
        finally:
            deployment.close()

    def provision(self) -> None:
        assert self.command("coordinator", "provision", self.file).returncode == 0
        for name in self.hospitals:
            self.unpack(name)
            self.stock(name)

    def stock(self, name: str) -> None:
        """Put the hospital's scans into its store."""
        disk_store(self.folder / name / "store", self.scans(name))

    def unpack(self, name: str) -> None:
        """The hospital's kit; counts are told and one thread trains, as there are few scans and cores."""
        with zipfile.ZipFile(self.folder / "coordinator" / "kits" / f"{name}.zip") as kit:
            kit.extractall(self.folder)
        for key in ("hospital.key", "client.key"):
            (self.folder / name / key).chmod(0o600)
        site = self.site(name)
        limits = site.read_text().replace("count_floor = 10", "count_floor = 1\nthreads = 1")
        site.write_text(limits)

    @staticmethod
    def scans(name: str) -> list[MadeScan]:
        return [scan_of(f"{name}-{label}", label) for label in LABELS]

    def prefix(self, name: str) -> list[str]:
        """The start of the command with which the hospital joins."""
        return []

    def serve(self) -> subprocess.Popen[bytes]:
        return self._start("serve", pneumofed("coordinator", "serve", self.file))

    def join(self, name: str) -> subprocess.Popen[bytes]:
        return self._start(
            name, [*self.prefix(name), *pneumofed("hospital", "join", "--site", self.site(name))]
        )

    def end(self, name: str) -> None:
        """End what was started under this name, with its processes."""
        process = self._processes[name]
        process.terminate()
        process.wait(60)

    def close(self) -> None:
        self._started.close()

    def command(self, *arguments: object, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            pneumofed(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout
        )

    def run(self, study: Path) -> subprocess.CompletedProcess[str]:
        return self.command(*self.run_arguments(study))

    def run_arguments(self, study: Path) -> tuple[object, ...]:
        return ("coordinator", "run", self.file, "--study", study, "--trained-on", "Noise.", "--json")

    def propose(self, study: Path) -> None:
        """Show the study to the hospitals."""
        done = self.command(*self.run_arguments(study), "--propose")
        assert done.returncode == 0, done.stderr

    def studies(self, name: str) -> list[dict[str, str]]:
        """What was proposed to the hospital, and what it decided."""
        listed = self.command("hospital", "studies", "--json", "--site", self.site(name)).stdout
        return json.loads(listed)["studies"]

    def approve(self, name: str) -> None:
        (waiting,) = (s["fingerprint"] for s in self.studies(name) if s["decision"] == "waiting")
        done = self.command("hospital", "approve", waiting, "--yes", "--site", self.site(name))
        assert done.returncode == 0, done.stderr

    def site(self, name: str) -> Path:
        return self.folder / name / "hospital.toml"

    def audit(self, name: str) -> list[Entry]:
        return AuditLog(load_hospital_settings(self.site(name)).state).entries()

    def connections(self) -> dict[str, str]:
        document = status_document(load_federation(self.file))
        return {hospital["name"]: hospital["connection"] for hospital in document["hospitals"]}

    def serving(self) -> bool:
        return status_document(load_federation(self.file))["serving"]

    def wait_until_online(self, *names: str, seconds: float = 180) -> None:
        wait_until(
            lambda: all(self.connections()[name] == "online" for name in names),
            seconds=seconds,
            what=f"{names} online",
        )

    def kill(self, log: str, process: str) -> None:
        """kill -9 the process that a supervisor started last, with all that it started."""
        os.killpg(self.process(log, process), signal.SIGKILL)

    def process(self, log: str, name: str) -> int:
        """The process that a supervisor started last under this name; it leads a group of its own."""
        return int(re.findall(rf"{name} started, process (\d+)", self.log(log))[-1])

    def parent(self, log: str, name: str) -> int:
        """The supervisor of that process."""
        status = Path(f"/proc/{self.process(log, name)}/status").read_text()
        return int(re.findall(r"PPid:\s+(\d+)", status)[0])

    def status(self) -> str:
        """What `coordinator status` says."""
        done = self.command("coordinator", "status", self.file)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    @staticmethod
    def weights(done: subprocess.CompletedProcess[str]) -> Weights:
        assert done.returncode == 0, done.stdout + done.stderr
        return load_model(Path(json.loads(done.stdout)["model"]))[0]

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        process = self._started.enter_context(running(command, self.folder / f"{name}.log"))
        self._processes[name] = process
        return process


def let_certificate_expire(federation: Federation) -> None:
    """The certificate that hospitals see becomes one that has just expired."""
    folder = CoordinatorFolder(federation.state)
    key, path = folder.edge
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    keys = key_from_pem(key.read_bytes()), ca, key_from_pem(folder.ca_key.read_bytes())
    expired = new_server_certificate(federation.hosts, *keys, days=0)
    write_atomically(path, expired.public_bytes(Encoding.PEM))
