"""The files that hospitals start their two processes with, read by parsers of their own kind."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "hospital"


def unit(name: str) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(FOLDER / f"pneumofed-{name}.service")
    return dict(parser["Service"])


def test_in_containers_the_data_has_no_network_and_the_network_has_no_data():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    trainer, node = services["trainer"], services["node"]
    assert trainer["network_mode"] == "none" and "network_mode" not in node
    assert "./store:/kit/store:ro" in trainer["volumes"]
    assert not any("store" in volume or "state" in volume for volume in node["volumes"])
    assert not any("key" in volume for volume in trainer["volumes"])
    for service in (trainer, node):
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] != "0"
        assert "socket:/kit/run" in service["volumes"] and service["restart"] == "unless-stopped"


def test_under_systemd_too():
    trainer, node = unit("trainer"), unit("node")
    assert trainer["PrivateNetwork"] == "yes" and trainer["RestrictAddressFamilies"] == "AF_UNIX"
    assert "PrivateNetwork" not in node
    assert node["InaccessiblePaths"].split() == [f"/var/lib/pneumofed/{part}" for part in ("store", "state")]
    assert trainer["User"] != node["User"] and trainer["Group"] == node["Group"]
    assert trainer["NoNewPrivileges"] == node["NoNewPrivileges"] == "yes"


@pytest.mark.parametrize("name", ["trainer", "node"])
def test_systemd_itself_understands_the_units(name):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    path = FOLDER / f"pneumofed-{name}.service"
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "not executable" not in line]
    assert not [line for line in complaints if line.strip()], done.stderr
