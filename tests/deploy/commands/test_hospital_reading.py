"""The room's commands: passwords never on the command line, files as they are read elsewhere."""

import json
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.reading_room.database import Database
from client.reading_room.reading_log import Answer
from client.reading_room.room import ReadingRoom
from deploy.commands.root import app
from preprocessing.labels import read_labels
from tests.support.page_client import stranger
from tests.support.processes import pneumofed, running, wait_until
from tests.support.reading_room import PASSWORD, WrittenRoom, reader_at


@pytest.fixture
def pacs(tmp_path: Path) -> Path:
    path = tmp_path / "pacs.toml"
    path.write_text("[read]\nport = 0\n")
    return path


def run(pacs: Path, *words: object, given: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["hospital", *map(str, words), "--pacs", str(pacs)], input=given)
    return result.exit_code, result.output + (str(getattr(result.exception, "code", "")))


def test_readers_come_and_go(pacs: Path) -> None:
    assert run(pacs, "reader", "add", "ada", given=f"{PASSWORD}\n")[0] == 0
    assert run(pacs, "reader", "add", "bob", given=f"{PASSWORD}\r\n")[0] == 0
    listed = json.loads(run(pacs, "reader", "list", "--json")[1].rsplit("}", 1)[0] + "}")
    assert [one["name"] for one in listed["readers"]] == ["ada", "bob"]
    assert run(pacs, "reader", "remove", "bob")[0] == 0
    assert "bob" not in run(pacs, "reader", "list")[1]
    assert run(pacs, "reader", "password", "ada", given="another password\n")[0] == 0
    accounts = ReadingRoom(WrittenRoom(pacs.parent).settings).accounts
    assert accounts.log_in("ada", "another password") is not None
    assert accounts.log_in("ada", PASSWORD) is None


@pytest.mark.parametrize(
    ("words", "given", "code"),
    [
        (("reader", "add", "ada"), "short\n", "password-weak"),
        (("reader", "add", "ada"), "", "password-weak"),
        (("reader", "add", "a/b"), f"{PASSWORD}\n", "reader-name-invalid"),
        (("reader", "remove", "nobody"), "", "reader-unknown"),
        (("reader", "password", "nobody"), f"{PASSWORD}\n", "reader-unknown"),
    ],
)
def test_what_is_refused(pacs: Path, words: tuple[str, ...], given: str, code: str) -> None:
    status, output = run(pacs, *words, given=given)
    assert status == 1 and code in output
    with Database(pacs.parent / "reading").reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM readers").fetchone()[0] == 0


def test_readings_as_files(pacs: Path) -> None:
    written = WrittenRoom(pacs.parent)
    names, room = [written.arrive(1), written.arrive(2), written.arrive(3, uploaded=True)], written.open()
    for name in names:
        written.diagnose(name)
        room.answer("ada", name, Answer("other", 4))
    room.answer("bob", names[0], Answer("healthy", 1))
    labels, log = pacs.parent / "labels.csv", pacs.parent / "log.csv"
    assert (
        "1 label written; 1 study without a majority left out"
        in run(pacs, "readings", "labels", "--out", labels)[1]
    )
    (found,) = read_labels(written.settings.inbox, labels)
    assert (found.folder.name, found.label) == (names[1], "other")
    assert "4 readings written" in run(pacs, "readings", "log", "--out", log)[1]
    assert len(log.read_text().splitlines()) == 5
    assert not log.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert run(pacs, "readings", "labels", "--uploads", "--out", labels)[0] == 0
    assert labels.read_text() == f"study,label\n{names[2]},other\n"


def test_the_room_is_served_until_it_is_ended_and_a_kill_loses_no_answer(pacs: Path) -> None:
    written = WrittenRoom(pacs.parent)
    name, out = written.arrive(1), pacs.parent / "read.out"
    written.diagnose(name)
    room = written.open("ada")
    room.open("ada", room.study(name))
    with running(pneumofed("hospital", "read", "--pacs", pacs), out) as process:
        wait_until(lambda: "open http" in out.read_text(), seconds=60, what="the address")
        (address,) = re.findall(r"open (http://127\.0\.0\.1:\d+)/\n", out.read_text())
        with reader_at(address) as ada:
            ada.follow_redirects = False
            form = {"label": "covid", "confidence": "5"}
            assert ada.post(f"/scans/{name}/answer", data=form).status_code == 303
            process.kill()
            process.wait()
    (reading,) = ReadingRoom(written.settings).log.all()
    assert (reading.reader, reading.label, reading.blinded) == ("ada", "covid", True)
    said = out.read_text()
    assert "Quillfeather" not in said and "rror" not in said
    with stranger(address) as client, pytest.raises(Exception, match="refused"):
        client.get("/")
