"""The offline kit: the project's wheel from a folder into a new environment, without an index."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from shared_model.signature import make_key, sign_file
from tests.support.processes import ROOT

pytestmark = pytest.mark.ci

KIT = "PNEUMOFED_KIT"


def run(*command: object, cwd: Path) -> str:
    """Its output. Neither this checkout nor an index can be reached from there."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    outside |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=outside, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "-w", folder]
    run(*build, cwd=folder)
    return folder


@pytest.fixture
def environment(tmp_path) -> Path:
    """A new environment's programs."""
    venv.create(tmp_path / "venv", with_pip=True)
    return tmp_path / "venv" / "bin"


def provision_and_look(programs: Path, work: Path) -> None:
    """What a coordinator and a hospital do first, with what the wheel alone brought."""
    (work / "federation.toml").write_text(
        'name = "test"\nhosts = ["localhost"]\nport = 9\n[[hospitals]]\nname = "north"\n'
    )
    run(programs / "pneumofed", "coordinator", "provision", "federation.toml", cwd=work)
    with zipfile.ZipFile(work / "coordinator" / "kits" / "north.zip") as kit:
        assert {"north/compose.yaml", "north/pneumofed-node.service"} <= set(kit.namelist())
    code = "from shared_model.study import load_study; print(load_study('demo').name)"
    assert run(programs / "python", "-c", code, cwd=work).strip() == "demo"
    code = "from shared_model.bundle import BUNDLE; print(len(BUNDLE) > 0)"
    assert run(programs / "python", "-c", code, cwd=work).strip() == "True"
    found = run(programs / "python", "-c", "import client; print(client.__file__)", cwd=work)
    assert found.startswith(str(programs.parent))


def test_the_projects_own_wheel(wheels, environment, tmp_path):
    install = ["install", "--no-index", "--find-links", wheels, "--no-deps", "pneumofed"]
    run(environment / "python", "-m", "pip", *install, cwd=tmp_path)
    # What it needs is taken from this machine, after its own folder: the test has no gigabytes to carry.
    here = sysconfig.get_path("purelib")
    site = run(
        environment / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path
    )
    (Path(site.strip()) / "needs.pth").write_text(here + "\n")
    provision_and_look(environment, tmp_path)


@pytest.mark.skipif(KIT not in os.environ, reason=f"{KIT} names no kit of `pneumofed release wheels`")
def test_everything_from_a_kit_without_a_network(environment, tmp_path):
    """As docs/offline.md says; `unshare` takes every network away, loopback too."""
    kit = Path(os.environ[KIT]).resolve()
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("namespaces are not permitted here")
    run("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=kit)
    hashed = ["--require-hashes", "--no-deps", "--find-links", "wheels", "-r", "requirements.txt"]
    pip = ["unshare", "--net", environment / "python", "-m", "pip", "--no-cache-dir"]
    run(*pip, "install", "--no-index", *hashed, cwd=kit)
    provision_and_look(environment, tmp_path)
    sums = tmp_path / "release.sums"
    sums.write_bytes((kit / "pneumofed.sums").read_bytes())
    sign_file(sums, make_key(tmp_path / "release.key").with_suffix(".key"))
    settings = f"key=Path({str(tmp_path / 'release.pub')!r}), sums=Path({str(sums)!r})"
    code = (
        "from pathlib import Path; from client.hospital_settings import ReleaseSettings; "
        f"from deploy.release.installed import check_installed; check_installed(ReleaseSettings({settings}))"
    )
    run(environment / "python", "-c", code, cwd=tmp_path)
