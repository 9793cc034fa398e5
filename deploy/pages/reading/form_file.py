"""The file of a form with one field, multipart/form-data (RFC 7578), while it arrives."""

from collections.abc import AsyncIterator
from email.message import Message

from fastapi import Request

from client.reading_room.upload_refusals import upload_refused
from shared_model.errors import PneumofedError

_LONGEST_HEADER = 8 << 10
_LONGEST_BOUNDARY = 70  # RFC 2046 5.1.1


async def file_of(request: Request) -> AsyncIterator[bytes]:
    """The content of the form's first field, which is a file.

    Raises PneumofedError `form-unreadable`, or `upload-cut-short` if it has no end.
    """
    end = b"\r\n--" + _boundary(request)
    body = aiter(request.stream())
    held = b"\r\n"  # what stands before the first boundary, if nothing else does
    held = await _after(body, held, end + b"\r\n")
    held = await _after(body, held, b"\r\n\r\n")
    while end not in held:
        keep = len(end) - 1
        if held[:-keep]:
            yield held[:-keep]
        part = await anext(body, None)
        if part is None:
            raise upload_refused("upload-cut-short")
        held = held[-keep:] + part
    if content := held.partition(end)[0]:
        yield content


def _boundary(request: Request) -> bytes:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise _unreadable()
    if len(boundary) > _LONGEST_BOUNDARY or not boundary.isascii():
        raise _unreadable()
    return boundary.encode()


async def _after(body: AsyncIterator[bytes], held: bytes, mark: bytes) -> bytes:
    """What stands after `mark`, of which there must be one soon."""
    while mark not in held:
        part = await anext(body, None)
        if part is None or len(held) > _LONGEST_HEADER:
            raise _unreadable()
        held += part
    return held.partition(mark)[2]


def _unreadable() -> PneumofedError:
    return PneumofedError("form-unreadable", "the form cannot be read; send it from the page")
