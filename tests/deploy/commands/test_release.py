"""`pneumofed release`: key, sign, verify and sbom, from the command line."""

import json
from pathlib import Path

import pytest

from deploy.commands.root import main


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code, and what was printed."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out + shown.err


def test_a_signed_kit_is_verified_and_a_changed_one_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kit, key = tmp_path / "kit", tmp_path / "release.key"
    kit.mkdir()
    (kit / "pneumofed.sums").write_text("")
    assert told(capsys, "release", "key", key)[0] == 0
    assert told(capsys, "release", "sign", kit, "--key", key)[0] == 0
    assert {path.name for path in kit.iterdir()} == {
        *("pneumofed.sums", "pneumofed.sums.sig", "SHA256SUMS", "SHA256SUMS.sig")
    }
    public = key.with_suffix(".pub")
    assert told(capsys, "release", "verify", kit, "--key", public) == (0, "as it was signed\n")
    (kit / "pneumofed.sums").write_text("x")
    code, text = told(capsys, "release", "verify", kit, "--key", public)
    assert code == 1 and "error [signature-wrong]" in text


def test_a_bill_of_what_is_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sbom.json"
    code, text = told(capsys, "release", "sbom", "--out", path)
    names = {one["name"] for one in json.loads(path.read_text())["components"]}
    assert code == 0 and {"pneumofed", "numpy"} <= names and f"{len(names)} packages" in text


def test_an_image_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--wheels", tmp_path, "--out", tmp_path / "out", "--only", "proxy")
    code, text = told(capsys, "release", "images", *arguments)
    assert code == 2 and "name node, trainer or" in text
