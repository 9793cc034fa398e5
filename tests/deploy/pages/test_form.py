"""Forms are bounded."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import Request

from deploy.pages.access import TokenLogin
from deploy.pages.form import MAX_FORM_BYTES, form_of
from deploy.pages.page_app import PageApp
from shared_model.errors import PneumofedError
from tests.support.page_client import logged_in, serving


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    pages = PageApp("deploy.pages.coordinator", login=TokenLogin("t"), heading="", navigation=[])

    async def echo(request: Request) -> dict[str, str]:
        try:
            return await form_of(request)
        except PneumofedError as error:
            return {"code": error.code}

    pages.app.add_api_route("/", echo, methods=["POST"])
    with serving(pages) as address, logged_in(address, "t") as client:
        yield client


def test_fields_by_name(client: httpx.Client) -> None:
    assert client.post("/", content="a=1&b=%C3%A4+x&a=2&empty=").json() == {"a": "2", "b": "ä x", "empty": ""}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("a=" + "x" * MAX_FORM_BYTES, "form-too-long"),
        ("&".join(f"f{n}=1" for n in range(60)), "form-unreadable"),
        (b"\xff\xfe=1", "form-unreadable"),
    ],
)
def test_what_is_too_long_or_no_form_is_refused(client: httpx.Client, body: str | bytes, code: str) -> None:
    assert client.post("/", content=body).json() == {"code": code}
