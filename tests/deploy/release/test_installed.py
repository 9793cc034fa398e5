"""The check of the installed code: a wheel with a few files, installed by unpacking it."""

import zipfile
from pathlib import Path

import pytest

from client.hospital_settings import ReleaseSettings
from deploy.release.installed import check_installed, wheel_code_sums
from shared_model.errors import PneumofedError
from shared_model.signature import make_key, sign_file

FILES = {
    "client/a.py": "a = 1\n",
    "deploy/b/c.toml": "",
    "pneumofed-1.dist-info/METADATA": "Name: pneumofed\n",
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    root = tmp_path / "site-packages"
    with zipfile.ZipFile(tmp_path / "pneumofed-1-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
    with zipfile.ZipFile(tmp_path / "pneumofed-1-py3-none-any.whl") as wheel:
        wheel.extractall(root)
    return root


@pytest.fixture
def release(installed: Path, tmp_path: Path) -> ReleaseSettings:
    sums = tmp_path / "pneumofed.sums"
    sums.write_bytes(wheel_code_sums(tmp_path / "pneumofed-1-py3-none-any.whl"))
    sign_file(sums, make_key(tmp_path / "release.key").with_suffix(".key"))
    return ReleaseSettings(key=tmp_path / "release.pub", sums=sums)


def test_what_the_wheel_installed_passes_with_bytecode_beside_it(
    installed: Path, release: ReleaseSettings
) -> None:
    (installed / "client" / "__pycache__").mkdir()
    (installed / "client" / "__pycache__" / "a.cpython-311.pyc").touch()
    (installed / "numpy").mkdir()
    (installed / "numpy" / "other.py").touch()
    check_installed(release, installed)
    check_installed(None, installed / "nowhere")


@pytest.mark.parametrize("name", ["client/a.py", "client/new.py", "server/new.py"])
def test_a_changed_or_added_file_is_named(installed: Path, release: ReleaseSettings, name: str) -> None:
    (installed / name).parent.mkdir(exist_ok=True)
    (installed / name).write_text("a = 2\n")
    with pytest.raises(PneumofedError, match=name) as caught:
        check_installed(release, installed)
    assert caught.value.code == "signature-wrong"


def test_a_list_that_another_key_signed_is_refused(
    installed: Path, release: ReleaseSettings, tmp_path: Path
) -> None:
    make_key(tmp_path / "other.key")
    sign_file(release.sums, tmp_path / "other.key")
    with pytest.raises(PneumofedError, match="not signed with the key"):
        check_installed(release, installed)
