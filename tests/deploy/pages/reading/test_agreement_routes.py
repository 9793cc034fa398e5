"""Figures with what they count, and files of what a reader may see."""

import re
from html import unescape
from pathlib import Path

from client.reading_room.reading_log import Answer
from preprocessing.labels import read_labels
from shared_model.constants import LABEL_WORDS
from tests.support.reading_room import WrittenRoom, reader_at, served


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())


def test_kappa_with_its_counts_and_reasons(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    said = (("healthy", "healthy"), ("covid", "covid"), ("covid", "healthy"), ("other", "covid"))
    room = written.open("ada", "bob")
    for number, (answer, verdict) in enumerate(said):
        name = written.arrive(number)
        written.diagnose(name, label=verdict)
        room.answer("ada", name, Answer(answer, 4))  # type: ignore[arg-type]
    with served(room) as (address, _), reader_at(address) as ada:
        page = text_of(ada.get("/agreement").text)
    # Diseased or healthy: 3 of 4 the same; by chance (3 x 2 + 1 x 2) / 16; kappa = (0.75 - 0.5) / 0.5.
    assert "ada tiny, weights wwwwwwww, card cccccccc 0.50 " in page and "3 of 4 the same" in page
    assert "Fewer than two readers have read a scan blinded" in page
    room.answer("bob", name, Answer("other", 2))
    with served(room) as (address, _), reader_at(address, "bob") as bob:
        page = text_of(bob.get("/agreement").text)
    assert (
        "ada bob undefined: both called all scans the same, so chance explains it all 1 of 1 the same" in page
    )


def test_figures_tell_nothing_of_scans_that_the_reader_has_not_read(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    own, unread = written.arrive(1), written.arrive(2)
    room = written.open("ada", "bob")
    for name, verdict in ((own, "covid"), (unread, "other")):
        written.diagnose(name, label=verdict)
    room.answer("bob", own, Answer("covid", 4))
    with served(room) as (address, _), reader_at(address, "bob") as bob:
        before = bob.get("/agreement").text
        room.answer("ada", unread, Answer("healthy", 4))
        assert bob.get("/agreement").text == before  # else the counts of one scan are its verdict
        room.answer("bob", unread, Answer("covid", 4))
        page = text_of(bob.get("/agreement").text)
    words = LABEL_WORDS
    for said, other in (("healthy", "other"), ("healthy", "covid")):  # ada and the model, ada and bob
        assert f"{words[said]}, {words[other]}: 1" in page


def test_files_have_what_the_reader_may_see(tmp_path: Path) -> None:
    written = WrittenRoom(tmp_path)
    both, own, uploaded = written.arrive(1), written.arrive(2), written.arrive(3, uploaded=True)
    room = written.open("ada", "bob")
    for name in (both, own, uploaded):
        written.diagnose(name)
        room.answer("ada", name, Answer("other", 4, "seen by ada"))
    room.answer("bob", both, Answer("other", 3))
    with served(room) as (address, _), reader_at(address) as ada, reader_at(address, "bob") as bob:
        labels = ada.get("/export/labels.csv")
        assert labels.headers["content-type"].startswith("text/csv")
        assert labels.text.splitlines() == ["study,label", *sorted([f"{both},other", f"{own},other"])]
        assert ada.get("/export/labels.csv?uploads=true").text.splitlines() == [
            "study,label",
            f"{uploaded},other",
        ]
        assert bob.get("/export/labels.csv").text.splitlines() == ["study,label", f"{both},other"]
        assert len(ada.get("/export/readings.csv").text.splitlines()) == 5
        assert len(bob.get("/export/readings.csv").text.splitlines()) == 3  # ada's and bob's of `both`
        (tmp_path / "labels.csv").write_bytes(labels.content)
        page = ada.get("/agreement").text
        assert all(words in page for words in ("2 scans of the inbox", "1 uploaded scan with", "4 readings."))
    found = read_labels(written.settings.inbox, tmp_path / "labels.csv")
    assert {one.folder.name for one in found} == {both, own}
