"""The worklist as a reader sees it, before and after an answer."""

import json
import re
from html import unescape
from pathlib import Path

import httpx
import pytest

from client.pacs.queue_progress import progress_told
from client.reading_room.reading_log import Answer
from deploy.pages.reading import worklist_routes
from shared_model.file_lock import exclusive
from tests.support.reading_room import WrittenRoom, reader_at, served

SCRIPT = "<script>alert(1)</script>"


def rows(page: str) -> dict[str, str]:
    """The text of each row by the study's name."""
    found = re.findall(r'<tr id="row-([^"]+)">(.*?)</tr>', page, re.S)
    return {name: " ".join(unescape(re.sub("<[^>]+>", " ", row)).split()) for name, row in found}


def test_before_the_answer_nothing_of_the_model_and_after_it_all(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    first, second = written.arrive(1, StudyDate="20260301"), written.arrive(2, StudyDate="20260302")
    limits = [{"code": "one-lung", "words": "one lung"}]
    told = {"verdict": "planted sentence", "explanation": "planted", "flags": ["uneven-spacing"]}
    written.diagnose(first, label="other", ml=7.5, percent=3.25, limits=limits, **told)
    written.diagnose(second, label="covid", ml=99.25, uncertain=True, **told)
    room = written.open("ada", "bob")
    with served(room) as (address, _), reader_at(address) as ada, reader_at(address, "bob") as bob:
        blinded = ada.get("/").text
        assert list(rows(blinded)) == [first, second]
        table = " ".join(rows(blinded).values())
        for hidden in (
            "99.2",
            "7.5",
            "3.2",
            "uncertain",
            "doubtful",
            "one lung",
            "uneven",
            "planted",
            "called",
        ):
            assert hidden not in table
        for hidden in ("99.2", "uneven spacing", "one lung", "planted"):
            assert hidden not in blinded  # nor in the filters
        assert "Quillfeather, Ottoline" in table and "P1" in table and "1953-02-17" in table
        room.answer("ada", second, Answer("covid", 4))
        shown = rows(ada.get("/").text)
        assert list(shown) == [first, second]
        assert "99.2 ml" in shown[second] and "uncertain" in shown[second] and "uneven" in shown[second]
        assert "7.5" not in shown[first]
        assert "99.2" not in bob.get("/").text


def test_earlier_scans_then_and_now(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    old, new = (
        written.arrive(1, StudyDate="20260301"),
        written.arrive(2, PatientID="P1", StudyDate="20260331"),
    )
    written.diagnose(old, ml=40.0)
    written.diagnose(new, ml=100.0)
    room = written.open("ada")
    with served(room) as (address, _), reader_at(address) as ada:
        assert rows(ada.get("/").text)[new].endswith("30 days before")
        room.answer("ada", new, Answer("covid", 4))
        assert rows(ada.get("/").text)[new].endswith("30 days before")  # the earlier one is unread
        room.answer("ada", old, Answer("covid", 4))
        assert rows(ada.get("/").text)[new].endswith("30 days before : 40.0 ml then, +60.0 ml since")


def test_an_open_room_is_by_priority(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path, blinded=False)
    names = [written.arrive(number) for number in (1, 2)]
    written.diagnose(names[0], label="healthy", ml=0.0)
    written.diagnose(names[1], ml=50.0)
    with served(written.open("ada")) as (address, _), reader_at(address) as ada:
        found = rows(ada.get("/").text)
        assert list(found) == names[::-1] and "50.0 ml" in found[names[1]]


def test_what_has_no_diagnosis_says_why(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    failed = written.arrive(1, PatientName="Failed^Fay")
    written.fail(failed, "not-a-chest", "no lungs: look at <it> by `hospital check`")
    written.arrive(2, PatientName="Waiting^Wim")
    written.arrive(3, complete=False, PatientName="Arriving^Ann", uploaded=True)
    with served(written.open("ada")) as (address, _), reader_at(address) as ada:
        page = unescape(ada.get("/").text.replace("&lt;it&gt;", "it"))
    for words in (
        "Failed, Fay",
        "not a chest",
        "no lungs: look at it by <code>hospital check</code>",
        "Waiting, Wim",
        "Arriving, Ann",
        "uploaded",
    ):
        assert words in page
    for state in ("failed", "waiting", "arriving"):
        assert re.findall(f'data-figure="{state}">(.)', page) == ["1"]


def test_how_far_a_diagnosis_is_stands_with_its_study(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    now = written.arrive(1, PatientName="Now^Nan")
    written.arrive(2, PatientName="Other^Ole")
    results = written.settings.results
    with (
        served(written.open("ada")) as (address, _),
        reader_at(address) as ada,
        exclusive(results, create=False),
        progress_told(results, now) as on_step,
    ):
        written.fail(now)
        on_step("networks", 3, 9)
        entries = re.findall("<li>(.*?)</li>", ada.get("/").text, re.S)
    assert ["networks, 3 of 9 lobes" in one for one in entries] == ["Now, Nan" in one for one in entries]
    assert sum("Now, Nan" in one for one in entries) == 1


def test_a_header_is_text_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    hostile, damaged = written.arrive(1, PatientName=SCRIPT, PatientID='"><b>'), written.arrive(2)
    for name in (hostile, damaged):
        written.diagnose(name)
    for image in written.images(damaged).iterdir():
        image.write_bytes(b"x" * 200)
    written.diagnose(damaged)
    with served(written.open("ada")) as (address, _), reader_at(address) as ada:
        page = ada.get("/").text
    assert SCRIPT not in page and "<b>" not in page.replace('<b id="unread-count">', "").replace(
        "<b>pneumofed", ""
    )
    assert "&lt;script&gt;" in page and "patient not known" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", 3), ("read=unread", 2), ("read=read", 1), ("label=covid", 1), ("uncertain=yes", 0),
     ("flag=prone", 1), ("label=<script>", 0), ("page=7", 3), ("page=x&label=", 3)],
)  # fmt: skip
def test_filters(tmp_path: Path, query: str, expected: int) -> None:
    written = WrittenRoom(tmp_path)
    names = [written.arrive(number) for number in (1, 2, 3)]
    for name in names:
        written.diagnose(name, flags=["prone"])
    room = written.open("ada")
    room.answer("ada", names[0], Answer("covid", 4))
    with served(room) as (address, _), reader_at(address) as ada:
        page = ada.get(f"/?{query}").text
    assert len(rows(page)) == expected and "<script>" not in page


def test_long_lists_have_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklist_routes, "PAGE_ROWS", 2)
    written = WrittenRoom(tmp_path)
    names = [written.arrive(number) for number in range(1, 6)]
    for name in names:
        written.diagnose(name)
    with served(written.open("ada")) as (address, _), reader_at(address) as ada:
        pages = [ada.get(f"/?page={number}&read=unread").text for number in (1, 2, 3)]
    assert [name for page in pages for name in rows(page)] == names
    assert 'href="/?page=2&amp;read=unread"' in pages[0] and 'id="page-after"' not in pages[2]


def test_next_is_the_first_unread_scan(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    names = [written.arrive(number) for number in (1, 2)]
    for name in names:
        written.diagnose(name)
    room = written.open("ada")
    with served(room) as (address, _), reader_at(address) as ada:
        for name, unread in zip((*names, None), ("2</b> of 2", "1</b> of 2", "0</b> of 2"), strict=True):
            words = f"{unread} diagnosed scans {'is' if unread.startswith('1') else 'are'} unread."
            assert words in ada.get("/").text
            answer = ada.get("/next", follow_redirects=False)
            assert answer.headers["location"] == ("/" if name is None else f"/scans/{name}")
            if name:
                room.answer("ada", name, Answer("covid", 4))


def test_it_follows_what_happens(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    name = written.arrive(1)
    room = written.open("ada")
    with served(room) as (address, _), reader_at(address) as ada, ada.stream("GET", "/live") as stream:
        events = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        assert 'data-figure="waiting">1' in next(events)["waiting"]
        written.diagnose(name)
        changed = next(events)
        assert name in rows(changed["list"]) and "Nothing waits" in changed["waiting"]
        room.answer("ada", name, Answer("covid", 4))
        assert "100.0 ml" in next(events)["list"]


def test_a_stream_ends_with_the_session(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    room = written.open("ada")
    with served(room) as (address, _), reader_at(address) as ada, ada.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("data: ")
        room.accounts.remove("ada")
        written.arrive(1)
        with pytest.raises((StopIteration, httpx.RemoteProtocolError)):
            while not next(lines).startswith("data: "):
                pass
