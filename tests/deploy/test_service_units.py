"""A hospital's units for the folders of a machine, read by a parser of their own kind and by systemd."""

import configparser
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from client.hospital_settings import HospitalSettings, load_hospital_settings
from deploy.service_units import KIT_PLACE, NODE_UNIT, TRAINER_UNIT, ServiceUnits, site_of


def units(tmp_path: Path, settings: str = "", program: Path = Path(sys.executable)) -> ServiceUnits:
    site = tmp_path / "hospital.toml"
    site.write_text(f'name = "north"\n{settings}\n[coordinator]\naddress = "127.0.0.1:9"\n')
    return ServiceUnits(load_hospital_settings(site), site, program)


def service(text: str) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return dict(parser["Service"])


def test_every_path_is_the_hospitals_own(tmp_path):
    texts = units(tmp_path, 'store = "/data/100%/lobes"\nsocket = "talk/s"').texts()
    trainer, node = service(texts[TRAINER_UNIT]), service(texts[NODE_UNIT])
    assert trainer["ExecStart"] == f"{sys.executable} hospital trainer --site {tmp_path}/hospital.toml"
    assert trainer["ReadWritePaths"] == f"{tmp_path}/state {tmp_path}/talk {tmp_path}/control"
    assert trainer["ReadOnlyPaths"] == "/data/100%%/lobes"  # systemd.unit(5): % begins a specifier
    assert node["InaccessiblePaths"] == f"/data/100%%/lobes {tmp_path}/state {tmp_path}/control"
    assert node["ReadWritePaths"] == f"{tmp_path}/node"
    assert all(KIT_PLACE not in text and "/opt/" not in text for text in texts.values())
    assert site_of(texts[NODE_UNIT]) == site_of(texts[TRAINER_UNIT]) == tmp_path / "hospital.toml"
    odd = ServiceUnits(units(tmp_path).hospital, Path("/srv/5%/hospital.toml"), Path(sys.executable))
    assert site_of(odd.texts()[NODE_UNIT]) == Path("/srv/5%/hospital.toml")
    assert site_of("[Service]\nExecStart=/bin/true --site") is None


def test_the_kits_own_units_are_those_of_the_usual_places(tmp_path):
    place = Path(KIT_PLACE)
    found = units(tmp_path).hospital
    folders = {name: place / name for name in ("store", "state", "node")}
    usual = HospitalSettings.model_validate(
        found.model_dump()
        | folders
        | {"socket": place / "run" / "trainer.sock", "control": place / "control" / "control.sock"}
    )
    program = Path("/opt/pneumofed/bin/pneumofed")
    for name, text in ServiceUnits(usual, place / "hospital.toml", program).texts().items():
        assert text == (resources.files("deploy") / "hospital" / name).read_text()


def test_only_a_trainer_with_a_gpu_sees_devices_and_only_nvidias(tmp_path):
    assert service(units(tmp_path).texts()[TRAINER_UNIT])["PrivateDevices"] == "yes"
    for device in ("cuda", "cuda:1"):
        texts = units(tmp_path, f'device = "{device}"').texts()
        trainer = service(texts[TRAINER_UNIT])
        assert "PrivateDevices" not in trainer and trainer["DevicePolicy"] == "closed"
        assert trainer["DeviceAllow"] == "char-nvidia* rw"
        assert service(texts[NODE_UNIT])["PrivateDevices"] == "yes"


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_systemd_accepts_them_and_finds_little_exposed(tmp_path, device):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name, text in units(tmp_path, f'device = "{device}"').texts().items():
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in (TRAINER_UNIT, NODE_UNIT)]
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for path in paths:  # in tenths; 10.0 is a service without any hardening
        judge = ["systemd-analyze", "security", "--offline=true", "--threshold=20", path]
        done = subprocess.run(judge, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
