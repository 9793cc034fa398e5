"""A new kit replaces a hospital's key, also while the old one is in use; before a real SuperLink."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.provision import new_kit
from deploy.coordinator.serve import services
from deploy.coordinator.settings import load_federation
from deploy.coordinator.superlink import SuperLink
from deploy.join import free_port
from deploy.supervise import Service, end
from shared_model.errors import PneumofedError
from tests.support.coordinator_command import FEDERATION, coordinator
from tests.support.deployed_study import DEPLOYED
from tests.support.processes import wait_until

pytestmark = DEPLOYED


@pytest.fixture
def file(tmp_path, capsys) -> Path:
    path = tmp_path / "federation.toml"
    path.write_text(
        FEDERATION.replace("port = 8443", f"port = {free_port()}\nsuperlink_port = {free_port()}")
    )
    assert coordinator(capsys, "provision", path)[0] == 0
    return path


@pytest.fixture
def parts(file) -> Iterator[dict[str, Service]]:
    """SuperLink, and what keeps its nodes equal to the hospitals' keys; three of them are registered."""
    found = {service.name: service for service in services(load_federation(file), file)}
    for name in ("superlink", "nodes"):
        found[name].tend()
    wait_until(lambda: len(registered(file)) == 3, seconds=90, what="three registered hospitals")
    yield found
    end(list(found.values()))


def registered(file: Path) -> dict[str, bytes]:
    """Name -> public key of the nodes that SuperLink lets in."""
    try:
        with SuperLink(load_federation(file)) as superlink:
            return {node.name: node.public_key for node in superlink.nodes()}
    except PneumofedError:
        return {}


def key_in_kit(file: Path, hospital: str) -> bytes:
    with zipfile.ZipFile(CoordinatorFolder(load_federation(file).state).kit(hospital)) as kit:
        private = load_ssh_private_key(kit.read(f"{hospital}/hospital.key"), password=None)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_new_kit_shuts_the_old_key_out_while_it_is_in_use(file, parts, capsys):
    old = registered(file)
    new_kit(load_federation(file), "north")  # nothing but the files: `serve` has to notice
    wait_until(lambda: registered(file).get("north") == key_in_kit(file, "north"), seconds=20)
    assert old["north"] not in registered(file).values() and len(registered(file)) == 3
    end([parts["nodes"]])
    code, text = coordinator(capsys, "kit", file, "south")  # the command does it itself, at once
    assert code == 0 and "replaces the hospital's earlier key at once" in text
    assert registered(file)["south"] == key_in_kit(file, "south") != old["south"]
    end([parts["superlink"]])
    code, text = coordinator(capsys, "revoke", file, "east")
    assert code == 0 and "as soon as `coordinator serve` runs" in text
