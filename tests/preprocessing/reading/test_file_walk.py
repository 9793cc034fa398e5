"""All files of a folder are found once: links, loops, special files, and what may not be read."""

import os
import socket
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
