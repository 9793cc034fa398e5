"""The files that hospitals and coordinator start their processes with, read by parsers of their own kind."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import dockerfile
import pytest
import yaml

from shared_model.versions import package_version

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "hospital"
COORDINATOR = ROOT / "deploy" / "coordinator"
IMAGES = ROOT / "deploy" / "images"
UNITS = {
    "trainer": FOLDER / "pneumofed-trainer.service",
    "node": FOLDER / "pneumofed-node.service",
    "coordinator": COORDINATOR / "pneumofed-coordinator.service",
    **{name: FOLDER / f"pneumofed-{name}.service" for name in ("listen", "diagnose", "deliver", "read")},
}


def unit(name: str) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS[name])
    return dict(parser["Service"])


def stages() -> dict[str, list[dockerfile.Command]]:
    """The Dockerfile's commands by stage, as Docker's own parser reads them."""
    found: dict[str, list[dockerfile.Command]] = {}
    commands: list[dockerfile.Command] = []
    for command in dockerfile.parse_file(str(IMAGES / "Dockerfile")):
        if command.cmd.upper() == "FROM":
            commands = found.setdefault(command.value[-1], [])
        commands.append(command)
    return found


def inherited(name: str) -> list[dockerfile.Command]:
    """A stage's commands after those of the stages that it is built from."""
    commands = stages()[name]
    base = commands[0].value[0]
    return (inherited(base) if base in stages() else []) + commands


def values(name: str, keyword: str) -> list[tuple[str, ...]]:
    return [command.value for command in inherited(name) if command.cmd.upper() == keyword]


def test_in_containers_the_data_has_no_network_and_the_network_has_no_data():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    trainer, node = services["trainer"], services["node"]
    assert trainer["network_mode"] == "none" and "network_mode" not in node
    assert "./store:/kit/store:ro" in trainer["volumes"]
    assert not any("store" in volume or "state" in volume for volume in node["volumes"])
    assert not any("key" in volume for volume in trainer["volumes"])
    assert "./control:/kit/control" in trainer["volumes"]
    assert not any("control" in volume for volume in node["volumes"])
    for service in (trainer, node):
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] != "0"
        assert "./run:/kit/run" in service["volumes"] and service["restart"] == "unless-stopped"
    assert trainer["user"] != node["user"]


def test_beside_a_pacs_each_container_has_one_right():
    services = yaml.safe_load((FOLDER / "pacs-compose.yaml").read_text())["services"]
    written = {
        name: [volume.split(":")[0] for volume in one["volumes"] if not volume.endswith(":ro")]
        for name, one in services.items()
    }
    assert written == {
        "listen": ["./inbox"], "diagnose": ["./results"], "deliver": ["./delivery"], "read": ["./reading"]
    }  # fmt: skip
    read = {name: {volume.split(":")[0] for volume in one["volumes"]} for name, one in services.items()}
    assert "./model" in read["diagnose"] and not any(
        "./model" in read[name] for name in read.keys() - {"diagnose"}
    )
    assert "./inbox" not in read["deliver"] and "./delivery" not in read["read"]
    networks = {name: one["network_mode"] for name, one in services.items()}
    assert networks == {"listen": "host", "diagnose": "none", "deliver": "host", "read": "host"}
    users = {name: one["user"] for name, one in services.items()}
    assert users["read"] == users["diagnose"] and len(set(users.values())) == 3
    for name, one in services.items():
        assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["user"] != "0"
        assert tuple(one["command"]) == ("hospital", name, "--pacs", "/pacs/pacs.toml")
        image = "trainer" if name == "diagnose" else "pacs"
        assert one["image"] == f"pneumofed-{image}:{package_version()}"


def test_what_is_run_by_hand_has_no_more_rights_than_it_needs():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    prepare, preflight = services["prepare"], services["preflight"]
    for service in (prepare, preflight):
        assert service["profiles"] == ["by-hand"] and service["restart"] == "no"
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["image"] == services["trainer"]["image"]
    assert prepare["network_mode"] == "none" and prepare["user"] == services["trainer"]["user"]
    assert preflight["user"] == "0:0" and preflight["cap_add"] == ["DAC_OVERRIDE"]


def test_under_systemd_too():
    trainer, node = unit("trainer"), unit("node")
    assert trainer["PrivateNetwork"] == "yes" and trainer["RestrictAddressFamilies"] == "AF_UNIX"
    assert "PrivateNetwork" not in node
    closed = [f"/var/lib/pneumofed/{part}" for part in ("store", "state", "control")]
    assert node["InaccessiblePaths"].split() == closed
    assert trainer["User"] != node["User"] and trainer["Group"] != node["Group"]
    assert trainer["NoNewPrivileges"] == node["NoNewPrivileges"] == "yes"


def test_between_pacs_and_model_each_service_has_one_right():
    listen, diagnose, deliver = (unit(name) for name in ("listen", "diagnose", "deliver"))
    services, folder = (listen, diagnose, deliver), "/var/lib/pneumofed-pacs"
    assert [one.get("PrivateNetwork") for one in services] == [None, "yes", None]
    assert diagnose["RestrictAddressFamilies"] == "AF_UNIX"
    written = [one["ReadWritePaths"].removeprefix(f"{folder}/") for one in services]
    assert written == ["inbox", "results", "delivery"]
    closed = [one["InaccessiblePaths"].replace(f"-{folder}/", "").split() for one in services]
    assert closed == [
        ["results", "delivery", "reading", "model"], ["delivery"], ["inbox", "reading", "model"],
    ]  # fmt: skip
    assert len({one["User"] for one in services}) == 3


def test_the_reading_room_is_for_its_own_machine_and_writes_its_own_folder():
    read, diagnose, folder = unit("read"), unit("diagnose"), "/var/lib/pneumofed-pacs"
    assert (read["IPAddressDeny"], read["IPAddressAllow"]) == ("any", "localhost")
    assert read["ReadWritePaths"] == f"{folder}/reading" and read["ProtectSystem"] == "strict"
    assert {f"-{folder}/delivery", f"-{folder}/model"} == set(read["InaccessiblePaths"].split())
    assert read["User"] == diagnose["User"]  # it reads uploads
    assert f"{folder}/reading" not in diagnose["ReadWritePaths"]


def test_the_coordinator_opens_one_port_and_holds_no_right_it_does_not_need():
    (service,) = yaml.safe_load((COORDINATOR / "compose.yaml").read_text())["services"].values()
    assert service["ports"] == ["443:443"] and service["restart"] == "unless-stopped" and service["init"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] != "0"
    writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
    assert writable == ["./coordinator:/federation/coordinator"]
    coordinator = unit("coordinator")
    assert coordinator["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert coordinator["ReadWritePaths"] == "/var/lib/pneumofed/coordinator"
    assert coordinator["NoNewPrivileges"] == "yes" and coordinator["ProtectSystem"] == "strict"


def test_the_image_beside_a_pacs_runs_as_nobody_special_and_knows_its_users():
    assert values("pacs", "USER")[-1] == ("10004:10004",) and values("pacs", "ENTRYPOINT")[-1] == (
        "pneumofed",
    )
    (users,) = [value[0] for value in values("system", "RUN")]
    listed = re.search(r"for name in ([a-z -]+);", users)[1].split()
    assert listed == [
        "pneumofed", "pneumofed-node", "pneumofed-pacs", "pneumofed-reading", "pneumofed-deliver",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["node", "trainer", "coordinator"])
def test_images_need_no_network_and_run_as_nobody_special(name):
    user = "10002:10002" if name == "node" else "10001:10001"
    assert values(name, "USER")[-1] == (user,)
    assert values(name, "ENTRYPOINT")[-1] == ("pneumofed",)
    runs = " ".join(" ".join(value) for value in values("installed", "RUN"))
    assert not re.search(r"curl|wget|apt-get|https?:", runs) and runs.count("pip install") == 2
    assert "PIP_NO_INDEX" in [word for value in values("installed", "ENV") for word in value]
    environment = [word for value in values(name, "ENV") for word in value]
    assert environment[environment.index("FLWR_TELEMETRY_ENABLED") + 1] == "0"
    folder = COORDINATOR if name == "coordinator" else FOLDER
    service = yaml.safe_load((folder / "compose.yaml").read_text())["services"][name]
    assert service["image"] == f"pneumofed-{name}:{package_version()}" and service["user"] == user
    assert tuple(service["command"]) == values(name, "CMD")[-1]


def test_health_checks_of_images_and_compose_files_are_the_same_commands():
    for name, folder in (("trainer", FOLDER), ("node", FOLDER), ("coordinator", COORDINATOR)):
        service = yaml.safe_load((folder / "compose.yaml").read_text())["services"][name]
        check = next(c for c in inherited(name) if c.cmd.upper() == "HEALTHCHECK")
        assert check.value == tuple(service["healthcheck"]["test"])


def test_commands_in_these_files_exist():
    from deploy.commands.root import app

    typed = [values(name, "CMD")[-1] for name in ("node", "trainer", "coordinator", "pacs")]
    typed += [tuple(unit(name)["ExecStart"].split()[1:]) for name in UNITS]
    typed += [
        c.value[2:]
        for name in ("trainer", "node", "coordinator")
        for c in inherited(name)
        if c.cmd == "HEALTHCHECK"
    ]
    for group, command, *_ in typed:
        groups = {entry.name: entry.typer_instance for entry in app.registered_groups}
        assert command in {(c.name or c.callback.__name__) for c in groups[group].registered_commands}


LOADED = {
    "node": "deploy.commands.root, deploy.join, client.node.deployed, client.node.supernode",
    "trainer": "deploy.commands.root, client.trainer.server, client.learning.site, client.privacy.dp_sgd, "
    "client.preflight.preflight, preprocessing.prepare, deploy.hospital_status, deploy.hospital_metrics",
    "coordinator": "deploy.commands.root, deploy.coordinator.serve, deploy.coordinator.superlink_process, "
    "deploy.executor, deploy.coordinator.notices, server.process, server.report.report_files, "
    "shared_model.initial_weights, deploy.coordinator.metrics",
    "pacs": "deploy.commands.root, client.pacs.listen, client.pacs.fetch, client.pacs.delivery, "
    "client.reading_room.room, deploy.pages.reading.reading_pages, deploy.pages.serving, deploy.release.sbom",
}
LEFT_OUT = {
    "node": {"torch", "pydicom", "blosc2"},
    "trainer": {"torchvision"},
    "coordinator": {"torchvision", "pydicom", "blosc2", "opacus", "opencv-python-headless"},
    "pacs": {"torch", "flwr", "opencv-python-headless", "scipy"},
}


@pytest.mark.parametrize("name", LOADED)
def test_an_image_has_all_that_its_processes_load_and_not_what_it_must_not(name):
    code = f"import sys, json, {LOADED[name]}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    # Loaded by .pth files (coverage only while it measures), and by others where they are there.
    loaded -= {"_distutils_hack", "coverage", "grpc_tools", "torchvision", "opt_einsum", "watchfiles"}
    lines = (IMAGES / f"{name}.txt").read_text().splitlines()
    installed = _closure({_normal(re.split("[=#]", line)[0]) for line in lines if line[0] != "#"})
    owners = {name: _distributions().get(name, set()) for name in loaded}
    missing = {name for name, owns in owners.items() if owns and not owns & (installed | {"pneumofed"})}
    assert not missing
    assert not LEFT_OUT[name] & installed


def _closure(wanted: set[str]) -> set[str]:
    """The distributions named and all that they need, as what is installed here says."""
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        found.add(name)
        needs = [line for line in requires(name) or [] if "extra ==" not in line]
        wanted |= {_normal(re.split(r"[^\w.-]", line)[0]) for line in needs} & _installed() - found
    return found


@cache
def _distributions() -> dict[str, set[str]]:
    """The distributions that each top package here comes from."""
    return {name: {_normal(d) for d in found} for name, found in packages_distributions().items()}


@cache
def _installed() -> set[str]:
    return set[str]().union(*_distributions().values())


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower().strip()


@pytest.mark.parametrize("name", UNITS)
def test_systemd_itself_understands_the_units(name):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", "verify", UNITS[name]], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "not executable" not in line]
    assert not [line for line in complaints if line.strip()], done.stderr
