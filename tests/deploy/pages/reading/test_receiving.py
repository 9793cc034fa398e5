"""The body of a request becomes an upload, or nothing; a sender that stalls or goes away holds nothing up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect

from client.pacs.pacs_settings import ReadSettings
from client.reading_room.arriving import GIB
from client.reading_room.uploads import Uploads
from deploy.pages.reading import receiving as module
from deploy.pages.reading.receiving import announced_size, receive
from shared_model.errors import PneumofedError
from tests.support.raw_zips import study_zip


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    (tmp_path / "results").mkdir()
    bounds = ReadSettings(min_free_gb=0, max_upload_gb=100_000 / GIB)
    return Uploads(tmp_path / "uploads", tmp_path / "results", bounds)


async def pieces(*parts: bytes, then: Exception | float | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if isinstance(then, Exception):
        raise then
    if then is not None:
        await asyncio.sleep(then)


def code_of(uploads: Uploads, body: AsyncIterator[bytes], announced: int | None = None) -> str:
    with pytest.raises(PneumofedError) as caught:
        asyncio.run(receive(uploads, "anna", body, announced))
    return caught.value.code


def left(tmp_path: Path) -> list[Path]:
    found = [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    return [path for path in found if path.name not in (".key", ".lock")]


def test_an_archive_in_pieces_is_an_upload(uploads: Uploads, tmp_path: Path) -> None:
    archive = study_zip()
    body = pieces(*(archive[at : at + 50] for at in range(0, len(archive), 50)))
    receipt = asyncio.run(receive(uploads, "anna", body, len(archive)))
    assert receipt.images == 3 and uploads.of("anna") == [receipt]
    assert not list((tmp_path / "uploads" / ".incoming").iterdir())


def test_a_sender_that_goes_away_leaves_nothing(uploads: Uploads, tmp_path: Path) -> None:
    assert code_of(uploads, pieces(study_zip(), then=ClientDisconnect())) == "upload-cut-short"
    assert left(tmp_path) == []


def test_a_sender_that_stalls_is_refused(
    uploads: Uploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALLED_S", 0.05)
    assert code_of(uploads, pieces(study_zip(), then=30.0)) == "upload-too-slow"
    assert left(tmp_path) == []


def test_a_sender_that_trickles_is_refused_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALLED_S", 0.1)
    (tmp_path / "results").mkdir()
    bounds = ReadSettings(min_free_gb=0, max_minutes=0.5 / 60)
    uploads = Uploads(tmp_path / "uploads", tmp_path / "results", bounds)
    sent: list[int] = []

    async def trickle() -> AsyncIterator[bytes]:
        while len(sent) < 150:  # 3 s
            sent.append(1)
            yield b"P"
            await asyncio.sleep(0.02)

    monkeypatch.setattr(module, "_read_to_end", nothing_more)
    assert code_of(uploads, trickle()) == "upload-too-slow" and len(sent) < 150
    assert left(tmp_path) == []


async def nothing_more(body: AsyncIterator[bytes], most_bytes: int) -> None:
    """In place of reading what a refused sender still has."""


def test_a_refused_sender_that_goes_on_holds_neither_place_nor_disk(uploads: Uploads, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    async def too_large() -> AsyncIterator[bytes]:
        yield bytes(2 << 20)
        await asyncio.sleep(0.01)
        seen.append((uploads._arriving, len(list((tmp_path / "uploads" / ".incoming").iterdir()))))
        yield b"more"

    assert code_of(uploads, too_large()) == "upload-too-large" and seen == [(0, 0)]


def test_what_a_refused_sender_still_sends_is_read_up_to_the_bound(uploads: Uploads, tmp_path: Path) -> None:
    read: list[int] = []

    async def counted(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            read.append(1)
            yield bytes(10_000)

    assert code_of(uploads, counted(5), announced=1 << 40) == "upload-too-large" and len(read) == 5
    read.clear()
    assert code_of(uploads, counted(10_000), announced=1 << 40) == "upload-too-large"
    assert len(read) <= 11 and left(tmp_path) == []


def test_one_that_is_cancelled_while_it_is_checked_leaves_nothing(
    uploads: Uploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(receive(uploads, "anna", pieces(study_zip(), then=5.0), None))
        while not list((tmp_path / "uploads" / ".incoming").iterdir()):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("header", "size"), [("17", 17), ("", None), ("-1", None), ("x", None), ("9" * 30, None)]
)
def test_the_announced_size(header: str, size: int | None) -> None:
    headers = [(b"content-length", header.encode())] if header else []
    assert announced_size(Request({"type": "http", "headers": headers})) == size
