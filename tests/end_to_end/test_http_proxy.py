"""A hospital whose only way out is an HTTP proxy, tinyproxy: `preflight`, `join` and a study through it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.coordinator.settings import load_federation
from deploy.join import free_port
from tests.support.deployed_study import DEPLOYED, study_file
from tests.support.deployment import Deployment
from tests.support.processes import pneumofed, running, wait_until

TINYPROXY = shutil.which("tinyproxy", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = [*DEPLOYED, pytest.mark.skipif(TINYPROXY is None, reason="tinyproxy is not installed")]

CONFIGURATION = """\
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 600
LogLevel Connect
LogFile "{log}"
ConnectPort {connect}
"""


class Federation(Deployment):
    """North goes by the proxy at `port`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {"north": "training"})
        self.port = free_port()
        self.environment = [f"HTTPS_PROXY=http://127.0.0.1:{self.port}", "NO_PROXY="]

    def prefix(self, name: str) -> list[str]:
        return ["env", *self.environment]

    def proxy(self, connect: int) -> tuple[list[str], Path]:
        """A command that serves the proxy for one port of servers, and its log."""
        log, file = self.folder / f"to-{connect}.log", self.folder / f"to-{connect}.conf"
        file.write_text(CONFIGURATION.format(port=self.port, log=log, connect=connect))
        return [str(TINYPROXY), "-d", "-c", str(file)], log

    def preflight(self) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **dict(one.split("=", 1) for one in self.environment)}
        command = pneumofed("hospital", "preflight", "--site", self.site("north"))
        return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    federation = Federation(tmp_path)
    federation.provision()
    federation.serve()
    wait_until(federation.serving, seconds=180)
    try:
        yield federation
    finally:
        federation.close()


def test_through_the_proxy_and_never_past_it(federation: Federation) -> None:
    port = load_federation(federation.file).port
    command, _ = federation.proxy(connect=port - 1)
    federation.join("north")
    with running(command, federation.folder / "refusing.out"):
        wait_until(lambda: "fail  connection" in federation.preflight().stdout, seconds=60)
        assert federation.connections()["north"] != "online"  # the direct way is open, and not taken
    command, log = federation.proxy(connect=port)
    with running(command, federation.folder / "proxy.out"):
        federation.wait_until_online("north")
        checked = federation.preflight()
        assert f"through 127.0.0.1:{federation.port} (HTTPS_PROXY)" in checked.stdout
        assert "fail" not in checked.stdout and checked.returncode == 0
        study = study_file(federation.folder, "through")
        federation.propose(study)
        federation.approve("north")
        assert federation.weights(federation.run(study))
    assert f"CONNECT localhost:{port}" in log.read_text()
