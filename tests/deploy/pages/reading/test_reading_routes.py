"""The form's answers reach the log, and nothing else does."""

from pathlib import Path

import httpx
import pytest

from deploy.pages.reading.reading_routes import reading_values, seconds_words
from tests.support.reading_room import WrittenRoom, reader_at, served

ANSWER = {"label": "other", "confidence": "4", "comment": " both sides "}


def test_answer_then_agreement(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    name = written.arrive(1)
    written.diagnose(name, verdict="planted sentence", ml=12.5)
    room = written.open("ada")
    with served(room) as (address, pages), reader_at(address) as ada:
        ada.follow_redirects = False

        def form() -> str:
            values = reading_values(room, "ada", room.study(name))
            return pages.part("patient_banner.html.j2", **values) + pages.part(
                "reading_form.html.j2", **values
            )

        blinded = form()
        assert "planted" not in blinded and "Quillfeather, Ottoline" in blinded
        assert ada.post(f"/scans/{name}/agree", data={"agrees": "yes"}).status_code == 409
        answer = ada.post(f"/scans/{name}/answer", data=ANSWER)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/scans/{name}")
        assert ada.post(f"/scans/{name}/answer", data=ANSWER | {"label": "covid"}).status_code == 409
        assert "planted" in form() and "both sides" in form()
        assert ada.post(f"/scans/{name}/agree", data={"agrees": "no", "remark": "<b>"}).status_code == 303
        assert "&lt;b&gt;" in form() and "do not agree" in form()
    (reading,) = room.log.all()
    assert (reading.reader, reading.label, reading.confidence, reading.comment) == (
        "ada",
        "other",
        4,
        "both sides",
    )
    assert (reading.blinded, reading.agrees, reading.remark) == (True, False, "<b>")
    assert 0 <= reading.seconds < 60


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("answer", {}, 409),
        ("answer", ANSWER | {"label": "COVID-19"}, 409),
        ("answer", ANSWER | {"confidence": "6"}, 409),
        ("answer", ANSWER | {"confidence": "1e3"}, 409),
        ("answer", ANSWER | {"comment": "x" * 2001}, 409),
        ("agree", {"agrees": "perhaps"}, 409),
        ("nothing", ANSWER, 404),
    ],
)
def test_what_is_no_answer_is_not_kept(tmp_path: Path, path: str, form: dict[str, str], status: int) -> None:
    written = WrittenRoom(tmp_path)
    name = written.arrive(1)
    written.diagnose(name)
    room = written.open("ada")
    with served(room) as (address, _), reader_at(address) as ada:
        answer: httpx.Response = ada.post(f"/scans/{name}/{path}", data=form)
        assert answer.status_code == status
        assert ada.post("/scans/..%2f..%2fx/answer", data=ANSWER).status_code == 404
        assert ada.post("/scans/unknown/answer", data=ANSWER).status_code == 404
    assert room.log.all() == []


def test_an_answer_is_of_the_images_that_the_reader_has_seen(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    name = written.arrive(1)
    written.diagnose(name)
    room = written.open("ada", "bob")
    reading_values(room, "ada", room.study(name))
    written.arrive(1)  # a late image
    written.diagnose(name)
    with served(room) as (address, _), reader_at(address) as ada, reader_at(address, "bob") as bob:
        refused = ada.post(f"/scans/{name}/answer", data=ANSWER)
        assert refused.status_code == 409 and "open it again" in refused.text
        assert bob.post(f"/scans/{name}/answer", data=ANSWER).status_code == 409  # never opened it
        assert room.log.all() == []
        reading_values(room, "ada", room.study(name))
        assert ada.post(f"/scans/{name}/answer", data=ANSWER, follow_redirects=False).status_code == 303


def test_a_reading_in_an_open_room_is_marked_so(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path, blinded=False)
    name = written.arrive(1)
    written.diagnose(name)
    room = written.open("ada")
    with served(room) as (address, pages), reader_at(address) as ada:
        ada.get("/")
        values = reading_values(room, "ada", room.study(name))
        assert "not counted" in pages.part("reading_form.html.j2", **values)
        ada.post(f"/scans/{name}/answer", data=ANSWER, follow_redirects=False)
    assert [one.blinded for one in room.log.all()] == [False]


def test_the_session_tells_how_long_it_lasts_unused(tmp_path: Path) -> None:
    room = WrittenRoom(tmp_path, session_minutes=5).open("ada")
    with served(room) as (address, _), reader_at(address) as ada:
        assert ada.get("/session").json() == {"idle_s": 300.0}


def test_time_in_words() -> None:
    assert [seconds_words(one) for one in (0.4, 59.4, 59.6, 3725)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "62 min 5 s",
    ]
