"""The file of a form, however the browser cuts it into pieces."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from deploy.pages.reading.form_file import file_of
from shared_model.errors import PneumofedError

BOUNDARY = "----WebKitFormBoundary7MA4"
HEAD = b'Content-Disposition: form-data; name="archive"; filename="a.zip"\r\nContent-Type: a/b\r\n\r\n'


def form(content: bytes, boundary: str = BOUNDARY) -> bytes:
    mark = boundary.encode()
    return b"--" + mark + b"\r\n" + HEAD + content + b"\r\n--" + mark + b"--\r\n"


def read(pieces: Sequence[bytes], kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> bytes:
    waiting = list(pieces)

    async def receive() -> dict[str, object]:
        more = len(waiting) > 1
        return {"type": "http.request", "body": waiting.pop(0) if waiting else b"", "more_body": more}

    async def all_of(parts: AsyncIterator[bytes]) -> bytes:
        return b"".join([part async for part in parts])

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    return asyncio.run(all_of(file_of(Request(scope, receive))))


def code_of(pieces: Sequence[bytes], **kind: str) -> str:
    with pytest.raises(PneumofedError) as caught:
        read(pieces, **kind)
    return caught.value.code


CONTENT = st.one_of(st.binary(max_size=300), st.text("\r\n-Wb", max_size=60).map(str.encode))


@given(content=CONTENT, cuts=st.lists(st.integers(1, 500), max_size=6))
def test_the_content_is_the_file_s_wherever_it_is_cut(content: bytes, cuts: list[int]) -> None:
    body = form(content)
    edges = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    assert read([body[start:end] for start, end in zip(edges, edges[1:], strict=False)]) == content


def test_one_byte_at_a_time(content: bytes = bytes(range(256)) + b"\r\n--" + b"\r\n----Web") -> None:
    assert read([bytes([byte]) for byte in form(content)]) == content


def test_a_boundary_in_quotes_is_read() -> None:
    kind = 'multipart/form-data; boundary="a b"'
    assert read([form(b"x", "a b")], kind) == b"x"


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a",
     f"multipart/form-data; boundary={'a' * 71}"],
)  # fmt: skip
def test_another_kind_of_body_is_no_form(kind: str) -> None:
    assert code_of([form(b"x")], kind=kind) == "form-unreadable"


def test_a_form_without_an_end_is_cut_short() -> None:
    assert code_of([form(b"x" * 100)[:-20]]) == "upload-cut-short"


def test_headers_without_an_end_are_not_read_for_ever() -> None:
    assert code_of([b"--" + BOUNDARY.encode() + b"\r\n", *[b"a" * 1000] * 100]) == "form-unreadable"
    assert code_of([b"preamble " * 10_000, form(b"x")]) == "form-unreadable"
