"""All files of a folder are found once: links, loops, special files, and what may not be read."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from preprocessing.reading.file_walk import walk_files
from preprocessing.reading.series import find_series
from tests.support.chests import chest, write_series

HU, _ = chest(10, 32)


def code_of(path: Path) -> str:
    report = find_series(path)
    assert not report.accepted
    (refusal,) = report.refused
    return refusal.code


def test_links_that_run_in_circles_and_things_that_are_no_files(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", HU)
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    write_series(outside, HU)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "elsewhere").symlink_to(outside, target_is_directory=True)
    (tmp_path / "scan again").symlink_to(tmp_path / "scan", target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)
        listening.bind("socket")
        report = find_series(tmp_path)
    assert len(report.accepted) == 2  # a folder behind a link counts, and counts once
    found = {Path(one.where).name: one.code for one in report.refused}
    assert found == {
        "up": "symlink-loop",
        "self": "file-unreadable",
        "nowhere": "file-unreadable",
        "pipe": "not-a-file",
        "socket": "not-a-file",
    }


def test_what_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read all, so the system's refusal is played."""
    paths = write_series(tmp_path / "scan", chest(12, 32)[0])
    (tmp_path / "locked").mkdir()
    scandir, opening = os.scandir, Path.open

    def no_folder(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def no_file(path: Path, *arguments: object, **options: object) -> object:
        if path == paths[3]:
            raise PermissionError(13, "Permission denied")
        return opening(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", no_folder)
    monkeypatch.setattr(Path, "open", no_file)
    report = find_series(tmp_path)
    assert [one.slices for one in report.accepted] == [11]
    assert sorted(one.code for one in report.refused) == ["file-unreadable", "folder-unreadable"]


def test_a_single_file_is_as_good_as_a_folder(tmp_path: Path) -> None:
    (path,) = write_series(tmp_path, HU[:1])
    assert code_of(path) == "too-few-slices"
    assert list(walk_files(path)) == [(path, None)]


def test_folders_of_any_depth_are_walked(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1500):
            os.mkdir("d", dir_fd=here)
            deeper = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
        os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        ((path, refusal),) = walk_files(tmp_path)
        assert path.name == "x" and refusal is None
    finally:
        os.close(here)
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_system_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("@eaDir", "__MACOSX", "lost+found", "scan"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    assert [path for path, _ in walk_files(tmp_path)] == [tmp_path / "scan" / "x"]


@pytest.mark.parametrize("content", [b"PK\3\4", b"\x1f\x8b\x08", bytes(257) + b"ustar" + bytes(300)])
def test_an_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.zip").write_bytes(content)
    assert code_of(tmp_path) == "archive"
