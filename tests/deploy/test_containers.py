"""A coordinator and two hospitals in containers, by the commands that the documents show.

It needs podman, podman-compose and the images of `pneumofed release images`. podman is as this machine has it
set up; CONTAINERS_CONF may name other settings.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import PRESETS, HospitalPlan
from shared_model.versions import package_version
from tests.support.containers import Project, podman, typed, why_not
from tests.support.processes import ROOT, wait_until

WHY_NOT = why_not(package_version())
pytestmark = [pytest.mark.ci, pytest.mark.slow, pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))]

NEXT = "0.1.1"
STUDY = ("--study", "tiny", "--trained-on", "Phantoms.")
HOSPITALS = [
    HospitalPlan("north", "training", 4, 4, 4, PRESETS["tiny"][0].scanner),
    HospitalPlan("harbour", "held-out", 2, 2, 2, PRESETS["tiny"][2].scanner),
]


class Federation:
    """The coordinator's folder and each hospital's, and their containers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.coordinator = folder, Project("pneumofed-test-coordinator", folder / "coordinator")
        self.hospitals = {h.name: Project(f"pneumofed-test-{h.name}", folder / h.name) for h in HOSPITALS}

    def serve(self) -> None:
        """Hospitals reach the coordinator's port at its network's gateway, which is this machine."""
        network = f"{self.coordinator.name}_default"
        podman("network", "create", network)
        gateway = json.loads(podman("network", "inspect", network))[0]["subnets"][0]["gateway"]
        entries = "".join(f'[[hospitals]]\nname = "{h.name}"\nrole = "{h.role}"\n' for h in HOSPITALS)
        self.coordinator.folder.mkdir()
        shutil.copy(ROOT / "deploy" / "coordinator" / "compose.yaml", self.coordinator.folder)
        (self.coordinator.folder / "federation.toml").write_text(
            f'name = "test"\nhosts = ["{gateway}"]\ndeadline_minutes = 10\n{entries}'
        )
        for line in typed("coordinator.md", "In a container"):
            self.coordinator.shell(line)

    def unpack(self, name: str) -> None:
        """The kit, with counts of phantoms told, which are no patients."""
        with zipfile.ZipFile(self.coordinator.folder / "coordinator" / "kits" / f"{name}.zip") as kit:
            kit.extractall(self.folder)
        for key in ("hospital.key", "client.key"):
            (self.folder / name / key).chmod(0o600)
        site = self.folder / name / "hospital.toml"
        site.write_text(site.read_text().replace("count_floor = 10", "count_floor = 1\nthreads = 1"))

    def join(self, name: str, scans: Path) -> None:
        shutil.copy(scans / "labels.csv", self.folder / name / "labels.csv")
        for path in (scans, *scans.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for line in typed("hospital.md", "Containers"):
            self.hospitals[name].shell(line.replace("/archive/ct", str(scans / "studies")))

    def ask(self, *words: str) -> str:
        done = self.coordinator.inside("coordinator", "pneumofed", "coordinator", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def are_online(self) -> bool:
        done = self.coordinator.inside(
            "coordinator", "pneumofed", "coordinator", "status", "federation.toml", "--json"
        )
        return done.returncode == 0 and all(
            one["connection"] == "online" for one in json.loads(done.stdout)["hospitals"]
        )

    def approve(self, name: str) -> None:
        def told(*words: str) -> str:
            done = self.hospitals[name].inside("trainer", "pneumofed", "hospital", *words)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        (study,) = json.loads(told("studies", "--json"))["studies"]
        assert "approved" in told("approve", study["fingerprint"], "--yes")

    def close(self) -> None:
        for project in (*self.hospitals.values(), self.coordinator):
            if project.folder.is_dir():
                project.down()
            podman("network", "rm", "--force", f"{project.name}_default")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """Every step of the documents until the hospitals are connected."""
    folder = tmp_path_factory.mktemp("containers")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)  # the scans' folder must be open to the container's user
    made = make_hospitals(HOSPITALS, folder / "scans", seed=0, jobs=2)
    federation = Federation(folder)
    try:
        federation.serve()
        for hospital in made:
            federation.unpack(hospital.name)
            federation.join(hospital.name, Path(hospital.folder))
        wait_until(federation.are_online, seconds=300, what="both hospitals online")
        yield federation
    finally:
        federation.close()


def services(federation: Federation) -> list[tuple[Project, str]]:
    hospitals = [(one, name) for one in federation.hospitals.values() for name in ("trainer", "node")]
    return [(federation.coordinator, "coordinator"), *hospitals]


def test_no_container_has_a_right_that_it_does_not_need(federation: Federation) -> None:
    for project, service in services(federation):
        status = project.inside(service, "cat", "/proc/1/status").stdout
        rights = dict(line.split(":\t", 1) for line in status.splitlines())
        assert int(rights["CapEff"], 16) == int(rights["CapBnd"], 16) == 0 and rights["NoNewPrivs"] == "1"
        uid = "10002" if service == "node" else "10001"
        assert rights["Uid"].split() == [uid] * 4
        assert project.inside(service, "touch", "/opt/pneumofed/x").returncode != 0
        assert project.inside(service, "sh", "-c", "touch /x 2>&1").stdout.endswith("Read-only file system\n")


def test_the_trainer_has_no_network_and_the_node_no_data(federation: Federation) -> None:
    for project in federation.hospitals.values():
        devices = project.inside("trainer", "cat", "/proc/net/dev").stdout.splitlines()[2:]
        assert [line.split(":")[0].strip() for line in devices] == ["lo"]
        assert project.inside("node", "ls", "/kit/store").returncode != 0
        assert project.inside("trainer", "ls", "/kit/hospital.key").returncode != 0
        assert project.inside("node", "python", "-c", "import torch").returncode != 0


def test_a_container_that_is_killed_comes_back(federation: Federation) -> None:
    for project, service in services(federation):
        wait_until(lambda: project.is_healthy(service), seconds=180, what=f"{service} healthy")  # noqa: B023
        before = project.process(service)
        project.kill(service)
        wait_until(lambda: project.process(service) not in (0, before), seconds=60, what=f"{service} back")  # noqa: B023
    for project, service in services(federation):
        wait_until(lambda: project.is_healthy(service), seconds=300, what=f"{service} healthy")  # noqa: B023
    wait_until(federation.are_online, seconds=300, what="both hospitals online again")


def upgrade(project: Project, names: Sequence[str]) -> None:
    """As both documents say; the new version is the same image under the next tag."""
    for name in names:
        podman("tag", f"pneumofed-{name}:{package_version()}", f"pneumofed-{name}:{NEXT}")
    compose = project.folder / "compose.yaml"
    compose.write_text(compose.read_text().replace(f":{package_version()}\n", f":{NEXT}\n"))
    project.shell("docker compose up -d")
    for name in names:
        assert project.state(name)["ImageName"].endswith(f"pneumofed-{name}:{NEXT}")
        wait_until(lambda: project.is_healthy(name), seconds=300, what=f"the new {name} healthy")  # noqa: B023


def test_a_study_reaches_its_report_and_an_upgrade_keeps_it(federation: Federation) -> None:
    federation.ask("run", "federation.toml", *STUDY, "--propose")
    for name in federation.hospitals:
        federation.approve(name)
    federation.ask("run", "federation.toml", *STUDY)
    (found,) = (federation.coordinator.folder / "coordinator" / "studies").glob("*/report.json")
    document = json.loads(found.read_text())
    assert {one["name"] for one in document["hospitals"]} == set(federation.hospitals)
    assert not document["partial"]

    report = found.read_bytes()
    upgraded = {federation.coordinator: ("coordinator",), federation.hospitals["north"]: ("node", "trainer")}
    try:
        for project, names in upgraded.items():
            upgrade(project, names)
        wait_until(federation.are_online, seconds=300, what="both hospitals online after the upgrade")
        assert "done" in federation.ask("run", "federation.toml", *STUDY) and found.read_bytes() == report
        north = federation.hospitals["north"]
        studies = north.inside("trainer", "pneumofed", "hospital", "studies", "--json").stdout
        assert [one["decision"] for one in json.loads(studies)["studies"]] == ["approved"]
        assert north.inside("trainer", "pneumofed", "hospital", "audit", "--verify").returncode == 0
    finally:
        for project, names in upgraded.items():
            project.down()
            for name in names:
                podman("rmi", "--ignore", f"pneumofed-{name}:{NEXT}")
