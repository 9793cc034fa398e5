"""Whether the coordinator takes a hospital's certificate and key, asked of a real proxy and SuperLink."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.hospital_settings import CoordinatorAddress, load_hospital_settings
from client.preflight.admission import check_admission
from deploy.coordinator.certificates import new_key, node_key_files
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.provision import new_kit
from deploy.coordinator.serve import register_nodes, services
from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document
from deploy.join import free_port
from deploy.supervise import Service, end
from tests.support.coordinator_command import coordinator
from tests.support.deployed_study import DEPLOYED
from tests.support.processes import wait_until

pytestmark = DEPLOYED

TOML = """
name = "test"
hosts = ["localhost"]
port = {}
listen = "127.0.0.1"
superlink_port = {}
[[hospitals]]
name = "north"
"""


@pytest.fixture
def file(tmp_path, capsys) -> Path:
    path = tmp_path / "federation.toml"
    path.write_text(TOML.format(free_port(), free_port()))
    assert coordinator(capsys, "provision", path)[0] == 0
    return path


@pytest.fixture
def parts(file) -> Iterator[dict[str, Service]]:
    found = {service.name: service for service in services(load_federation(file), file)}
    for name in ("superlink", "proxy"):
        found[name].tend()
    wait_until(lambda: coordinator_serves(file), seconds=90, what="SuperLink")
    yield found
    end(list(found.values()))


def coordinator_serves(file: Path) -> bool:
    return status_document(load_federation(file))["serving"]


def unpacked(file: Path, folder: Path) -> CoordinatorAddress:
    with zipfile.ZipFile(CoordinatorFolder(load_federation(file).state).kit("north")) as kit:
        kit.extractall(folder)
    return load_hospital_settings(folder / "north" / "hospital.toml").coordinator


def test_each_door_says_whether_it_lets_the_hospital_in(file, parts, tmp_path):
    federation, kit = load_federation(file), unpacked(file, tmp_path / "kit")
    row = check_admission(kit)
    assert row.state == "fail" and "not registered" in row.found and "coordinator kit" in row.remedy
    register_nodes(federation)
    row = check_admission(kit)
    assert row.state == "ok" and "takes" in row.found
    (hospital,) = status_document(federation)["hospitals"]
    assert hospital["connection"] == "registered"  # and was not online for a moment
    own_key = kit.key.read_bytes()
    kit.key.write_bytes(node_key_files(new_key())[0])
    assert "not registered" in check_admission(kit).found
    kit.key.write_bytes(own_key)
    new_kit(federation, "north")
    parts["proxy"].tend()
    wait_until(lambda: "certificate is refused" in check_admission(kit).found, seconds=20)
    new = unpacked(file, tmp_path / "new")
    register_nodes(federation)
    assert check_admission(new).state == "ok"
    end([parts["superlink"]])
    row = check_admission(new)
    assert row.state == "warn" and "does not answer" in row.found
    end([parts["proxy"]])
    row = check_admission(new)
    assert row.state == "fail" and "ConnectError" in row.found
    kit.certificate.unlink()
    assert "kit" in check_admission(kit).remedy
