"""`pneumofed hospital install`: done for real, as root, on a machine whose accounts are the test's own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from client.hospital_settings import load_hospital_settings
from client.node.connection import read_connection
from deploy import hospital_install, service_units
from deploy.commands.root import main
from deploy.install_steps import Plan
from shared_model.errors import PneumofedError
from tests.support.deployment import Deployment
from tests.support.private_system import private_system, service_command
from tests.support.processes import ROOT, running, wait_until

TARGET = Path("/var/lib/pneumofed")
COMMAND = "import sys\nfrom deploy import service_units\nservice_units.HIDDEN = ()\n"
COMMAND += "from deploy.commands.root import main\nmain(sys.argv[1:])"
"""Without the refusal of programs below /home, /root and /tmp, where a checkout may be."""


class Machine:
    """With the kit of the hospital north unpacked and a store beside it."""

    def __init__(self, folder: Path) -> None:
        self.prefix = private_system(folder)
        self.lib, self.units = folder / "lib" / "pneumofed", folder / "etc" / "systemd" / "system"
        deployment = Deployment(folder, {"north": "training"})
        deployment.provision()
        self.site, self.folder = deployment.site("north"), folder

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*self.prefix, *command], cwd="/", env=environment, capture_output=True, text=True
        )

    def install(self, *options: str, site: Path | None = None) -> subprocess.CompletedProcess[str]:
        where = ["--site", str(site or self.site)]
        return self.run(sys.executable, "-c", COMMAND, "hospital", "install", *where, *options)

    def found(self) -> dict[str, str]:
        """Owner, group, mode by path of all that was installed, and both units' content."""
        done = self.run("sh", "-c", f"cd {TARGET} && find . -not -name '*.pyc' -printf '%p %u %g %m\\n'")
        rights = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        return rights | {unit.name: unit.read_text() for unit in self.units.glob("pneumofed*")}

    def service(self, name: str) -> list[str]:
        return service_command(self.units / f"pneumofed-{name}.service")


@pytest.fixture
def machine():
    """In a folder that every user may enter, as none of pytest's is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield Machine(folder)
    finally:
        shutil.rmtree(folder)


@pytest.mark.ci
def test_both_services_run_as_their_users_and_reach_no_more_than_they_need(machine):
    done = machine.install()
    assert done.returncode == 0, done.stderr
    assert "systemctl enable --now pneumofed-trainer.service pneumofed-node.service" in done.stdout
    found = machine.found()
    expected = {
        ".": "root root 755",
        "./hospital.toml": "root root 644",
        "./ca.crt": "root root 644",
        "./client.crt": "root root 644",
        "./hospital.key": "pneumofed-node pneumofed-node 600",
        "./client.key": "pneumofed-node pneumofed-node 600",
        "./store": "pneumofed pneumofed 700",
        "./store/secret.key": "pneumofed pneumofed 600",
        "./state": "pneumofed pneumofed 700",
        "./node": "pneumofed-node pneumofed-node 700",
        "./run": "pneumofed pneumofed-node 2750",
    }
    assert found.items() >= expected.items()
    assert not (machine.site.parent / "store").exists()
    with (
        running(machine.service("trainer"), machine.folder / "trainer.log", prefix=machine.prefix),
        running(machine.service("node"), machine.folder / "node.log", prefix=machine.prefix) as node,
    ):
        socket = machine.lib / "run" / "trainer.sock"
        wait_until(socket.exists, seconds=120, what="the trainer's socket")
        assert socket.stat().st_mode & 0o777 == 0o660
        user = machine.service("node")[:5]
        healthy = [*machine.service("node")[5:6], "hospital", "healthy", "--site", f"{TARGET}/hospital.toml"]
        asked = machine.run(*user, *healthy)
        assert asked.returncode == 0, asked.stderr
        wait_until(
            lambda: read_connection(machine.lib / "node"), seconds=120, what="the node's first connection"
        )
        assert node.poll() is None
        program = machine.service("node")[5]
        site = ["--site", f"{TARGET}/hospital.toml"]
        status = machine.run(*machine.service("trainer")[2:7], program, "hospital", "status", *site)
        assert status.returncode == 0, status.stderr
        checked = machine.run(program, "hospital", "preflight", "--json", *site)
        states = {row["check"]: row["state"] for row in json.loads(checked.stdout)["rows"]}
        assert {states[name] for name in ("owner", "key", "certificate", "store", "socket")} == {"ok"}
        for path in ("store/secret.key", "state/audit.jsonl"):
            refused = machine.run(*user, "cat", f"{TARGET}/{path}")
            assert refused.returncode != 0 and "Permission denied" in refused.stderr
    assert "error" not in (machine.folder / "trainer.log").read_text()


@pytest.mark.ci
def test_it_may_be_repeated_and_its_printed_script_does_the_same(machine):
    script = machine.install("--print")
    assert script.returncode == 0 and not machine.lib.exists() and not list(machine.units.glob("pneumofed*"))
    (machine.folder / "script").write_text(script.stdout)
    done = machine.run("sh", str(machine.folder / "script"))
    assert done.returncode == 0, done.stderr
    by_script = machine.found()
    assert by_script["./store/secret.key"] == "pneumofed pneumofed 600"
    settings = machine.lib / "hospital.toml"
    settings.write_text(settings.read_text().replace('"cpu"', '"cuda"'))
    settings.chmod(0o600)
    os.chown(settings, 4242, 4242)
    for site in (machine.site, TARGET / "hospital.toml"):
        assert machine.install(site=site).returncode == 0
    found = machine.found()
    assert "DeviceAllow=char-nvidia" in found.pop("pneumofed-trainer.service")
    del by_script["pneumofed-trainer.service"], found["./join.lock"]  # held while it was installed there
    assert found == by_script


@pytest.mark.ci
def test_a_machine_of_another_hospital_is_left_alone(machine):
    assert machine.install().returncode == 0
    before = machine.found()
    done = machine.install("--to", "/srv/pneumofed", site=TARGET / "hospital.toml")
    assert done.returncode == 1 and "another-hospital" in done.stderr and "remove it" in done.stderr
    machine.site.write_text(machine.site.read_text().replace('name = "north"', 'name = "south"'))
    done = machine.install()
    assert done.returncode == 1 and "is of the hospital north, this kit of south" in done.stderr
    assert machine.found() == before


@pytest.fixture
def plan(tmp_path, monkeypatch) -> Plan:
    """Of a kit with a store, on a machine without units, whose steps are never done."""
    for name in ("ca.crt", "client.crt", "hospital.key", "client.key"):
        (tmp_path / name).touch()
    (tmp_path / "store").mkdir()
    (tmp_path / "hospital.toml").write_text('name = "north"\n[coordinator]\naddress = "127.0.0.1:9"\n')
    monkeypatch.setattr(hospital_install, "UNIT_FOLDER", tmp_path)
    monkeypatch.setattr(hospital_install, "do_steps", lambda steps, say: pytest.fail("steps were done"))
    monkeypatch.setattr(service_units, "HIDDEN", ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return hospital_install.plan_install(tmp_path / "hospital.toml", tmp_path / "target")


def refusal(plan: Plan) -> str:
    with pytest.raises(PneumofedError) as caught:
        hospital_install.install(plan, print)
    return f"{caught.value.code}: {caught.value}"


def test_only_root_installs_and_anybody_may_print(plan, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "not-root" in refusal(plan)
    with pytest.raises(SystemExit) as ended:
        main(["hospital", "install", "--print", "--site", str(plan.source / "hospital.toml")])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("#!/bin/sh")


def test_what_would_end_in_services_that_cannot_work_is_refused_before_anything_is_done(plan, monkeypatch):
    monkeypatch.setattr(service_units, "HIDDEN", (plan.source,))
    assert f"{plan.target} is hidden from services" in refusal(plan)
    monkeypatch.setattr(service_units, "HIDDEN", ())
    (plan.target / "store" / "studies").mkdir(parents=True)
    assert "two folders store" in refusal(plan)
    shutil.rmtree(plan.target)
    (plan.source / "store").rmdir()
    assert "there is no store yet" in refusal(plan)


def test_a_space_in_a_path_is_refused(plan):
    spaced = hospital_install.plan_install(plan.source / "hospital.toml", plan.source / "my kit")
    assert "which units cannot hold" in refusal(spaced)


def test_a_hospital_that_takes_part_by_join_is_not_moved(plan):
    with hospital_install.exclusive(plan.source / "join.lock"):
        assert "already-joined" in refusal(plan)


def test_the_settings_of_the_target_decide(plan):
    plan.target.mkdir()
    kept = (plan.source / "hospital.toml").read_text()
    (plan.target / "hospital.toml").write_text('device = "cuda"\n' + kept)
    again = hospital_install.plan_install(plan.source / "hospital.toml", plan.target)
    assert again.hospital == load_hospital_settings(plan.target / "hospital.toml")
    assert plan.hospital.device == "cpu" and plan.hospital.store == plan.target / "store"
