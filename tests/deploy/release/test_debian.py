"""The system of an image, with a stand-in for mmdebstrap; the real one: tests/deploy/test_containers.py."""

from pathlib import Path

import pytest

from deploy.release.debian import make_system
from shared_model.errors import PneumofedError


def code_of(path: Path) -> tuple[str, str]:
    with pytest.raises(PneumofedError) as caught:
        make_system(path, ("nginx-light",))
    return caught.value.code, str(caught.value)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "mmdebstrap").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 'for last; do :; done; printf "%s\\n" "$@" > "$last"')
    make_system(tmp_path / "system.tar", ("nginx-light",))
    asked = (tmp_path / "system.tar").read_text().splitlines()
    (include,) = [word for word in asked if word.startswith("--include=")]
    assert "nginx-light" in include and "python3-minimal" in include and "bookworm" in asked


def test_without_it_and_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "echo 'E: no such suite' >&2; exit 25")
    assert code_of(tmp_path / "x") == ("system-failed", "mmdebstrap ended with 25: E: no such suite")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert code_of(tmp_path / "x")[0] == "mmdebstrap-missing"
