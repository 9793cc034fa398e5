"""What arrives is bounded in size, time and space, and gone afterwards."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from client.pacs.pacs_settings import ReadSettings
from client.reading_room import arriving as module
from client.reading_room.arriving import GIB, ArrivingUpload, check_space
from shared_model.errors import PneumofedError
from tests.support.raw_zips import study_zip

BOUNDS = ReadSettings(max_upload_gb=10_000 / GIB, min_free_gb=0)
ENDING = threading.Event()


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[ArrivingUpload]:
    """One that arrives; nothing of it is left when it was discarded."""
    (tmp_path / "one").mkdir()
    upload = ArrivingUpload(tmp_path / "one", BOUNDS, ENDING)
    yield upload
    upload.discard()
    assert not list(tmp_path.iterdir())


def code_of(action: object, *values: object) -> str:
    with pytest.raises(PneumofedError) as caught:
        action(*values)  # type: ignore[operator]
    return caught.value.code


def test_a_study_that_came_in_pieces_is_found(upload: ArrivingUpload, tmp_path: Path) -> None:
    archive = study_zip(4)
    for start in range(0, len(archive), 100):
        upload.write(archive[start : start + 100])
    assert len(upload.study().images) == 4
    assert not (tmp_path / "one" / "archive").exists()


def test_no_byte_above_the_bound_is_written(upload: ArrivingUpload) -> None:
    upload.write(bytes(10_000))
    assert code_of(upload.write, b"1") == "upload-too-large"


def test_one_that_takes_too_long_is_refused_while_it_comes_and_while_it_is_unpacked(
    upload: ArrivingUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.write(study_zip())
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 60 * BOUNDS.max_minutes)
    assert code_of(upload.write, b"1") == "upload-too-slow"
    assert code_of(upload.study) == "upload-too-slow"


def test_the_last_space_of_the_disk_is_not_used(tmp_path: Path) -> None:
    assert code_of(lambda: check_space(tmp_path, BOUNDS, needed=1 << 60)) == "disk-full"
    full = BOUNDS.model_copy(update={"min_free_gb": 10_000_000.0})
    assert code_of(check_space, tmp_path, full) == "disk-full"
    check_space(tmp_path, BOUNDS)


def test_it_ends_with_the_room(upload: ArrivingUpload) -> None:
    upload.write(study_zip())
    ENDING.set()
    try:
        assert code_of(upload.write, b"1") == code_of(upload.study) == "upload-cut-short"
    finally:
        ENDING.clear()


def test_it_ends_once_others_have_filled_the_disk(
    upload: ArrivingUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.write(study_zip())
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=-1))
    assert code_of(upload.write, b"1") == code_of(upload.study) == "disk-full"


@pytest.mark.parametrize("number", [28, 122, 27])
def test_a_disk_that_is_full_is_one_refusal(
    number: int, upload: ArrivingUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.write(study_zip())

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "unpack", full)
    assert code_of(upload.study) == "disk-full"


def test_another_error_of_the_disk_is_none_of_a_full_one(
    upload: ArrivingUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "unpack", broken)
    with pytest.raises(OSError, match="Input/output"):
        upload.study()
