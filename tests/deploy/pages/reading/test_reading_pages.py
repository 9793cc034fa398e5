"""Who gets into the room, by browser and by program, and what stands on every page."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import Request

from client.reading_room.room import ReadingRoom
from deploy.pages.guard import CSP
from deploy.pages.reading.reading_pages import NOTICE, reading_pages
from shared_model.errors import PneumofedError
from tests.support.page_client import serving, stranger
from tests.support.reading_room import PASSWORD, WrittenRoom, reader_at

BASIC = ("ada", PASSWORD)


@pytest.fixture
def room(tmp_path: Path) -> ReadingRoom:
    return WrittenRoom(tmp_path).open("ada", "bob")


@pytest.fixture
def address(room: ReadingRoom) -> Iterator[str]:
    pages = reading_pages(room)

    def who(request: Request) -> dict[str, str]:
        return {"reader": request.state.reader}

    def failing(code: str) -> None:
        raise PneumofedError(code, "what, where, remedy")

    for path in ("/api/who", "/who"):
        pages.app.add_api_route(path, who, methods=["GET", "POST", "DELETE"])
    for path in ("/api/failing/{code}", "/failing/{code}"):
        pages.app.add_api_route(path, failing)
    with serving(pages) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with stranger(address) as client:
        yield client


def test_nothing_is_shown_before_login(client: httpx.Client) -> None:
    page = client.get("/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    for path in (
        "/",
        "/live",
        "/next",
        "/agreement",
        "/session",
        "/export/labels.csv",
        "/export/readings.csv",
    ):
        assert client.get(path).status_code == 401, path
    assert client.post("/scans/x/answer").status_code == 401
    assert client.get("/login?token=x").status_code == 200  # no token opens the room


def test_name_and_password_log_in_and_the_page_knows_who(client: httpx.Client, address: str) -> None:
    wrong = client.post("/login", data={"name": "ada", "password": "wrong"})
    assert wrong.status_code == 403 and "wrong" in wrong.text
    answer = client.post("/login", data={"name": "ada", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "httponly" in cookie and "samesite=strict" in cookie and "pneumofed_session" not in cookie
    assert client.get("/who").json() == {"reader": "ada"}
    with reader_at(address, "bob") as other:
        assert other.get("/who").json() == {"reader": "bob"}
        assert "Log out bob" in other.get("/").text
    client.post("/logout")
    assert client.get("/who").status_code == 401


def test_a_session_ends_with_its_reader(room: ReadingRoom, address: str) -> None:
    with reader_at(address) as ada, reader_at(address, "bob") as bob:
        room.accounts.remove("ada")
        room.accounts.set_password("bob", "another password")
        assert ada.get("/who").status_code == bob.get("/who").status_code == 401


def test_guesses_are_slowed(client: httpx.Client) -> None:
    form = {"name": "ada", "password": "wrong"}
    answers = [client.post("/login", data=form).status_code for _ in range(6)]
    assert answers == [403, 403, 403, 403, 429, 429]
    slowed = client.post("/login", data={"name": "ada", "password": PASSWORD})
    assert slowed.status_code == 429 and "wait" in slowed.text
    assert client.get("/api/who", auth=BASIC).status_code == 429
    assert client.get("/api/who", auth=("bob", PASSWORD)).status_code == 200


def test_programs_ask_by_http_basic_without_an_origin(address: str) -> None:
    with httpx.Client(base_url=address) as program:
        for method in ("GET", "POST", "DELETE"):
            answer = program.request(method, "/api/who", auth=BASIC)
            assert (answer.status_code, answer.json()) == (200, {"reader": "ada"})
        refused = program.get("/api/who")
        assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Basic ")
        wrong = program.get("/api/who", auth=("ada", "wrong"))
        assert wrong.status_code == 401 and "password is wrong" in wrong.json()["problem"]
        assert "log in" in refused.json()["problem"]
        for header in ("Basic !", "Basic", "Bearer x", "Basic " + "x" * 5000):
            assert program.get("/api/who", headers={"authorization": header}).status_code == 401
        assert program.get("/who", auth=BASIC).status_code == 401  # pages are for browsers


def test_another_sites_request_reaches_nothing(address: str) -> None:
    evil = {"origin": "https://evil.example"}
    with httpx.Client(base_url=address) as program:
        for method in ("GET", "POST", "DELETE"):
            assert program.request(method, "/api/who", auth=BASIC, headers=evil).status_code == 403
    with reader_at(address) as ada:
        assert ada.post("/api/who").status_code == ada.post("/who").status_code == 200
        for method in ("POST", "DELETE"):
            for path in ("/api/who", "/who"):
                assert ada.request(method, path, headers=evil).status_code == 403
        assert ada.get("/api/who", headers=evil).status_code == 403
        del ada.headers["origin"]
        # A cookie alone, as a browser sends it along, does not stand for the page.
        assert ada.post("/api/who").status_code == ada.delete("/who").status_code == 403


def test_a_basic_password_is_hashed_once_and_ends_with_the_reader(
    room: ReadingRoom, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    log_in = room.accounts.log_in

    def counted(name: str, password: str) -> object:
        asked.append(name)
        return log_in(name, password)

    monkeypatch.setattr(room.accounts, "log_in", counted)
    with httpx.Client(base_url=address, auth=BASIC) as program:
        assert [program.get("/api/who").status_code for _ in range(5)] == [200] * 5
        assert asked == ["ada"]
        assert not program.cookies
        room.accounts.remove("ada")
        assert program.get("/api/who").status_code == 401


def test_errors_are_pages_for_people_and_json_for_programs(address: str) -> None:
    with reader_at(address) as ada:
        for code, status in (("not-found", 404), ("blinded", 403), ("already-answered", 409)):
            page, answer = ada.get(f"/failing/{code}"), ada.get(f"/api/failing/{code}")
            assert page.status_code == answer.status_code == status
            assert "what, where, remedy" in page.text
            assert answer.json()["code"] == code and "what, where, remedy" in answer.text


def test_every_page_says_that_it_is_for_research(client: httpx.Client, address: str) -> None:
    assert NOTICE.startswith("Research use only. Not a medical device")
    assert NOTICE in client.get("/login").text
    with reader_at(address) as ada:
        for path in ("/", "/agreement", "/failing/not-found"):
            assert NOTICE in ada.get(path).text
        assert ada.get("/static/reading/reading.css").status_code == 200


def test_an_unforeseen_fault_tells_nothing_of_a_patient(
    address: str, room: ReadingRoom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(reader: str) -> None:
        raise ValueError("Doe^Jane")

    monkeypatch.setattr(room, "reading_list", fault)
    with reader_at(address) as ada:
        answer = ada.get("/")
    assert answer.status_code == 500 and "Doe" not in answer.text
    assert answer.headers["content-security-policy"] == CSP and answer.headers["cache-control"] == "no-store"
    assert [record.name for record in caplog.records if record.name == "pneumofed"]
