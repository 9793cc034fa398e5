"""Forms are bounded."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI, Request

from deploy.pages.form import MAX_FORM_BYTES, form_of
from shared_model.errors import PneumofedError
from tests.support.page_client import serving


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    app = FastAPI()

    @app.post("/")
    async def echo(request: Request) -> dict[str, str]:
        try:
            return await form_of(request)
        except PneumofedError as error:
            return {"code": error.code}

    with serving(app) as address, httpx.Client(base_url=address) as client:
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
