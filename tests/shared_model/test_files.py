"""Files and folders are written whole or not at all."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shared_model.files import atomic_file, atomic_folder, write_atomically
from tests.support.processes import ROOT, unmeasured_environment


def test_a_file_is_replaced_whole_and_has_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"old")
    write_atomically(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk."""
    path = tmp_path / "settings"
    path.write_bytes(b"old")
    code = "import sys, pathlib; from shared_model.files import write_atomically as write\n"
    code += "write(pathlib.Path(sys.argv[1]), bytes(1000))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        env=unmeasured_environment(),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.returncode == 1 and "OSError: [Errno 27]" in done.stderr
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_crash_before_the_file_is_in_place_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(source: Path, target: Path) -> None:
        assert source.read_bytes() == b"new" and target.read_bytes() == b"old"
        raise KeyboardInterrupt

    path = tmp_path / "settings"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_written_in_pieces_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with atomic_file(path) as file:
        file.write(b"one ")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"one two"
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"one two" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("flush", [True, False])
def test_a_folder_appears_when_it_is_complete(tmp_path: Path, flush: bool) -> None:
    with atomic_folder(tmp_path / "model", flush=flush) as folder:
        (folder / "inside").mkdir()
        (folder / "inside" / "weights").write_bytes(b"w")
        assert not (tmp_path / "model").exists() and folder.parent == tmp_path
    assert (tmp_path / "model" / "inside" / "weights").read_bytes() == b"w"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_fails_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "model") as folder:
        (folder / "half").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "precious").touch()
    with pytest.raises(OSError), atomic_folder(tmp_path / "model"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "precious"]
