"""Login, headers and refusals that all pages share."""

from collections.abc import Iterator

import httpx
import pytest

from deploy.pages.access import TokenLogin
from deploy.pages.page_app import PageApp, with_code
from shared_model.errors import PneumofedError
from tests.support.page_client import logged_in, serving, stranger


@pytest.fixture
def pages() -> PageApp:
    pages = PageApp(
        "deploy.pages.coordinator",
        login=TokenLogin("t0ken"),
        heading="of <b>us</b>",
        navigation=[("/", "Now")],
    )

    def front() -> object:
        return pages.page("refused.html.j2", path="/", error="<script>alert(1)</script>")

    def failing(code: str) -> None:
        raise PneumofedError(code, "what, where, remedy")

    pages.app.add_api_route("/", front)
    pages.app.add_api_route("/failing/{code}", failing)
    return pages


@pytest.fixture
def address(pages: PageApp) -> Iterator[str]:
    with serving(pages) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with stranger(address) as client:
        yield client


@pytest.fixture
def known(address: str) -> Iterator[httpx.Client]:
    with logged_in(address, "t0ken") as client:
        yield client


def test_nothing_is_shown_before_login(client: httpx.Client) -> None:
    page = client.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    for path in ("/", "/failing/x", "/openapi.json"):
        assert client.get(path).status_code == 401
    assert "alert" not in page.text


def test_the_token_logs_in_by_form_and_by_address(client: httpx.Client) -> None:
    assert client.post("/login", data={"token": "wrong"}).status_code == 403
    assert client.get("/login?token=wrong").status_code == 403
    for login in (
        lambda: client.post("/login", data={"token": " t0ken "}),
        lambda: client.get("/login?token=t0ken"),
    ):
        answer: httpx.Response = login()
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and "t0ken" not in cookie
        assert client.get("/").status_code == 200
        client.post("/logout")
        assert client.get("/").status_code == 401


def test_another_sites_form_and_name_reach_nothing(known: httpx.Client) -> None:
    assert known.post("/logout", headers={"origin": "https://evil.example"}).status_code == 403
    assert known.post("/logout", headers={"origin": "null"}).status_code == 403
    del known.headers["origin"]
    assert known.post("/logout").status_code == 403
    assert known.get("/", headers={"host": "evil.example"}).status_code == 421
    assert known.get("/").status_code == 200


def test_text_is_shown_as_text_under_a_strict_policy(known: httpx.Client) -> None:
    answer = known.get("/")
    assert (
        "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text and "of &lt;b&gt;us&lt;/b&gt;" in answer.text
    )
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_error_is_the_line_that_a_command_prints(known: httpx.Client) -> None:
    wrong, absent = known.get("/failing/study-running"), known.get("/failing/not-found")
    assert (wrong.status_code, absent.status_code) == (409, 404)
    assert "what, where, remedy" in wrong.text and "Traceback" not in wrong.text


def test_files_of_the_look_are_open_and_no_others(client: httpx.Client) -> None:
    assert client.get("/static/pages.css").status_code == 200
    for path in ("/static/../page_app.py", "/static/%2e%2e/page_app.py", "/static/%2e%2e%2fpage_app.py"):
        assert client.get(path).status_code in (401, 404)


def test_commands_in_a_message_are_code_and_nothing_is_markup() -> None:
    assert with_code("run `a <b>` & go") == "run <code>a &lt;b&gt;</code> &amp; go"
    assert with_code("<i>no code</i>") == "&lt;i&gt;no code&lt;/i&gt;"
