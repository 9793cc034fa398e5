"""Lets the body of a request become an upload, without holding more of it in memory than a piece."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from fastapi import Request
from starlette.requests import ClientDisconnect

from client.reading_room.receipts import Receipt
from client.reading_room.upload_refusals import upload_refused
from client.reading_room.uploads import Uploads
from shared_model.errors import PneumofedError

STALLED_S = 60.0
_CHECKING = ThreadPoolExecutor(1, "check-upload")
"""Checks one upload at a time, so that pages and logins have processor and threads."""
_PIECE = 1 << 20


async def receive(
    uploads: Uploads, reader: str, body: AsyncIterator[bytes], announced: int | None
) -> Receipt:
    """Take the archive in `body` as an upload of `reader`; announced: its size in bytes, if it is known.

    Raises PneumofedError with a code of UPLOAD_REFUSALS: then nothing of it is kept.
    """
    stack = ExitStack()
    try:
        upload = await asyncio.to_thread(stack.enter_context, uploads.arriving(announced))
        async for piece in _pieces(body):
            await asyncio.to_thread(upload.write, piece)
        check = partial(uploads.accept, reader, upload)
        return await asyncio.get_running_loop().run_in_executor(_CHECKING, check)
    except PneumofedError:
        await asyncio.to_thread(stack.close)  # its place and its bytes are free, however long this takes
        await _read_to_end(body, uploads.most_bytes)
        raise
    except ClientDisconnect:
        raise upload_refused("upload-cut-short") from None
    finally:
        await asyncio.to_thread(stack.close)


def announced_size(request: Request) -> int | None:
    """The size of the body, if the sender says it."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else None


async def _pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body in pieces of a MiB or more, or what came in STALLED_S, so that its bounds are looked at.

    Raises PneumofedError `upload-too-slow` if it stalls.
    """
    piece, since = b"", time.monotonic()
    while (part := await _next(body)) is not None:
        piece += part
        if len(piece) >= _PIECE or time.monotonic() >= since + STALLED_S:
            yield piece
            piece, since = b"", time.monotonic()
    yield piece


async def _next(body: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(STALLED_S):
            return await anext(body, None)
    except TimeoutError:
        raise upload_refused("upload-too-slow") from None


async def _read_to_end(body: AsyncIterator[bytes], most_bytes: int) -> None:
    """Read what a refused upload still has, as a browser shows no answer to what it could not send."""
    try:
        while most_bytes > 0 and (part := await _next(body)) is not None:
            most_bytes -= len(part)
    except (PneumofedError, ClientDisconnect):
        return
