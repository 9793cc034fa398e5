"""The commands between PACS and model: what they run, print and end with."""

import io
import json
from pathlib import Path

import pytest

from client.pacs import delivery, fetch, libraries, listen, study_queue
from client.pacs.delivery_record import DeliveryRecord, DeliveryRecords
from client.pacs.fetch import FetchedStudy
from client.pacs.pacs_settings import PacsSettings
from deploy import logs
from deploy.commands.root import main
from tests.support.diagnosed_scans import PATIENT
from tests.support.pacs import write_model, write_settings


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands silence the libraries of their process, which here is that of all tests."""
    monkeypatch.setattr(libraries, "quiet_libraries", lambda: None)
    monkeypatch.setattr(logs, "log_to_stderr", lambda: None)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ending:
        main(["hospital", *map(str, arguments)])
    return int(ending.value.code or 0)


def test_each_runs_with_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pacs, begun = write_settings(tmp_path), list[str]()
    write_model(tmp_path / "model")
    monkeypatch.setattr(listen, "listen", lambda settings: begun.append(f"listen {settings.inbox.name}"))
    for place, name in ((study_queue.StudyQueue, "diagnose"), (delivery.Delivery, "deliver")):
        monkeypatch.setattr(
            place, "run", lambda self, ending, once, name=name: begun.append(f"{name} {once}")
        )
    assert run("listen", "--pacs", pacs) == 0
    assert run("diagnose", "--pacs", pacs, "--once") == 0
    assert run("deliver", "--pacs", pacs) == 0
    assert begun == ["listen inbox", "diagnose True", "deliver False"]


def test_fetch_reads_uids_from_standard_input_and_prints_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def fetched(settings: PacsSettings, uids: list[str]) -> list[FetchedStudy]:
        asked.extend(uids)
        return [FetchedStudy(3, 0), FetchedStudy(1, 1, "not-kept")][: len(uids)]

    monkeypatch.setattr(fetch, "fetch_studies", fetched)
    pacs, uid = write_settings(tmp_path), PATIENT["StudyInstanceUID"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{uid}\n\n 1.2.4 \n".encode())))
    assert run("fetch", "--pacs", pacs) == 1
    said = capsys.readouterr().out
    assert asked == [uid, "1.2.4"] and said == "1 study complete, 1 not\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{uid}\n".encode())))
    assert run("fetch", "--pacs", pacs, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"studies": [{"kept": 3, "not_kept": 0, "code": ""}], "failed": 0}


def test_dead_letters_are_listed_and_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pacs, records = write_settings(tmp_path), DeliveryRecords(tmp_path / "delivery")
    dead = DeliveryRecord(digest="d", state="dead", objects=6, attempts=3, refusals=3, code="refused-a700")
    (tmp_path / "delivery").mkdir()
    for study in ("3fa9", "81bc"):
        records.write(study, dead)
    records.write("done", dead.model_copy(update={"state": "delivered"}))
    assert run("undelivered", "--pacs", pacs) == 0
    assert capsys.readouterr().out.splitlines() == [
        "3fa9  dead     6 objects  3 attempts  refused-a700",
        "81bc  dead     6 objects  3 attempts  refused-a700",
        "2 studies undelivered",
    ]
    assert run("undelivered", "--pacs", pacs, "--retry", "3fa9", "--json") == 0
    states = {one["study"]: one["state"] for one in json.loads(capsys.readouterr().out)["studies"]}
    assert states == {"3fa9": "waiting", "81bc": "dead"}
    assert run("undelivered", "--pacs", pacs, "--retry-all") == 0
    assert "81bc  waiting" in capsys.readouterr().out
    assert run("undelivered", "--pacs", pacs, "--retry", "done") == 1
    assert "error [no-dead-letter]" in capsys.readouterr().err


def test_no_settings_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("listen", "--pacs", tmp_path / "pacs.toml") == 1
    assert capsys.readouterr().err.startswith("error [pacs-settings-missing]: ")
