"""Signed folders, against openssl and sha256sum, which share no code with ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

from shared_model.errors import PneumofedError
from shared_model.signature import SIGNATURE, SUMS, check_file, check_folder, make_key, sign_file, sign_folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "release.key")
    return tmp_path / "release.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    (path / "below").mkdir(parents=True)
    (path / "model.json").write_text("{}")
    (path / "below" / "weights").write_bytes(bytes(range(256)))
    return path


def code_of(folder: Path, public: Path) -> str:
    with pytest.raises(PneumofedError) as caught:
        check_folder(folder, public)
    return caught.value.code


def test_openssl_and_sha256sum_agree(folder: Path, key: Path) -> None:
    sign_folder(folder, key)
    check_folder(folder, key.with_suffix(".pub"))
    subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, check=True, capture_output=True)
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key.with_suffix(".pub"), "-rawin"]
    command += ["-in", folder / SUMS, "-sigfile", folder / SIGNATURE]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip().endswith("Successfully")
    with (folder / SUMS).open("ab") as file:
        file.write(b"\n")
    assert subprocess.run(command, capture_output=True).returncode != 0
    assert code_of(folder, key.with_suffix(".pub")) == "signature-wrong"


def test_openssls_signature_is_taken(folder: Path, key: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = folder / "model.json"
    command = ["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", path, "-out", f"{path}.sig"]
    subprocess.run(command, check=True)
    assert check_file(path, key.with_suffix(".pub")) == b"{}"


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_any_change_is_refused(folder: Path, key: Path, change: str) -> None:
    sign_folder(folder, key)
    if change == "changed":
        (folder / "below" / "weights").write_bytes(bytes(256))
    elif change == "added":
        (folder / "below" / "more").touch()
    else:
        (folder / "model.json").unlink()
    assert code_of(folder, key.with_suffix(".pub")) == "signature-wrong"


def test_another_key_no_signature_and_no_key(folder: Path, key: Path, tmp_path: Path) -> None:
    public = key.with_suffix(".pub")
    assert code_of(folder, public) == "signature-missing"
    sign_folder(folder, key)
    make_key(tmp_path / "other.key")
    assert code_of(folder, tmp_path / "other.pub") == "signature-wrong"
    assert code_of(folder, tmp_path / "none.pub") == "key-unusable"
    assert code_of(folder, key) == "key-unusable"  # the private key where the public one belongs
    with pytest.raises(PneumofedError, match="no private"):
        sign_file(folder / "model.json", public)


def test_a_key_is_its_owners_alone_and_never_replaced(key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    with pytest.raises(PneumofedError) as caught:
        make_key(key)
    assert caught.value.code == "key-exists" and key.read_bytes() == before
