"""Progress of the study that is being diagnosed, as long as the process that writes it lives."""

import os
from pathlib import Path

import pytest

from client.pacs import queue_progress as module
from client.pacs.queue_progress import PROGRESS, progress_told, read_progress
from shared_model.file_lock import exclusive


def test_each_step_can_be_read_until_the_study_is_done(tmp_path: Path) -> None:
    with exclusive(tmp_path, create=False):
        assert read_progress(tmp_path) is None
        with progress_told(tmp_path, "abc") as on_step:
            assert read_progress(tmp_path) is None
            on_step("headers", 1, 14)
            found = read_progress(tmp_path)
            assert found is not None and (found.study, found.step) == ("abc", "headers")
            assert (found.done, found.total) == (1, 14)
            on_step("lungs", 0, 1)
            found = read_progress(tmp_path)
            assert found is not None and found.step == "lungs"
        assert read_progress(tmp_path) is None and not list(tmp_path.iterdir())


def test_it_is_written_a_few_times_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    clock = iter(number / 100 for number in range(1000))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    replace = os.replace
    monkeypatch.setattr(module.os, "replace", lambda *paths: (written.append("x"), replace(*paths)))
    with progress_told(tmp_path, "abc") as on_step:
        for done in range(200):
            on_step("networks", done, 200)
    assert 3 <= len(written) <= 10


def test_what_a_killed_process_left_is_no_progress(tmp_path: Path) -> None:
    with progress_told(tmp_path, "abc") as on_step:
        on_step("lungs", 0, 1)
        assert (tmp_path / PROGRESS).exists() and read_progress(tmp_path) is None


def test_a_full_disk_does_not_end_the_diagnosis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    with progress_told(tmp_path, "abc") as on_step:
        on_step("lungs", 0, 1)


def test_a_damaged_file_is_none(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_text('{"study"')
    with exclusive(tmp_path, create=False):
        assert read_progress(tmp_path) is None
