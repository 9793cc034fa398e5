"""Delivery: once, until the PACS has it; again and again, or a dead letter, if it has not."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from client.pacs import delivery as module
from client.pacs.delivery import Delivery, delivery_of
from client.pacs.delivery_errors import RefusedError, UndeliveredError, UnreachableError
from client.pacs.delivery_record import DeliveryRecord, DeliveryRecords
from client.pacs.pacs_settings import DeliverSettings, PacsSettings
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from tests.support.pacs import write_results


class Pacs:
    """Takes what it is sent, or fails as it is told to; `now` is the clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.now = folder, 1000.0
        self.taken: list[list[str]] = []
        self.failure: UndeliveredError | None = None
        monkeypatch.setattr(module.time, "time", lambda: self.now)

    def send(self, objects: Sequence[FileDataset]) -> None:
        if self.failure is not None:
            raise self.failure
        self.taken.append([str(one.SOPInstanceUID) for one in objects])

    def deliver(self) -> None:
        """As a process of its own would, which knows only what is on disk."""
        settings = DeliverSettings(method="c-store", attempts=3, first_pause_s=10, longest_pause_s=35)
        results, records = self.folder / "results", self.folder / "delivery"
        Delivery(results, records, settings, self.send).run(threading.Event(), once=True)

    def record(self, study: str = "a") -> DeliveryRecord:
        found = DeliveryRecords(self.folder / "delivery").read(study)
        assert found is not None
        return found


@pytest.fixture
def pacs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pacs:
    write_results(tmp_path / "results" / "a")
    return Pacs(tmp_path, monkeypatch)


def test_what_is_delivered_is_not_sent_again_also_if_it_is_made_again(pacs: Pacs) -> None:
    pacs.deliver()
    pacs.deliver()
    write_results(pacs.folder / "results" / "a")  # diagnosed again: the same identifiers
    pacs.deliver()
    assert pacs.taken == [["1.9.0", "1.9.2", "1.9.3", "1.9.4"]]
    assert (pacs.record().state, pacs.record().objects) == ("delivered", 4)


def test_other_results_of_the_study_are_sent(pacs: Pacs) -> None:
    pacs.deliver()
    write_results(pacs.folder / "results" / "a", "1.8")  # after a late image
    pacs.deliver()
    assert [sent[0] for sent in pacs.taken] == ["1.9.0", "1.8.0"]


def test_a_pacs_that_is_away_is_asked_at_longer_and_longer_pauses_for_as_long_as_it_takes(pacs: Pacs) -> None:
    pacs.failure, asked = UnreachableError("unreachable"), []
    for _ in range(400):
        before = pacs.record().attempts if (pacs.folder / "delivery" / "a.json").exists() else 0
        pacs.deliver()
        if pacs.record().attempts > before:
            asked.append(pacs.now)
        pacs.now += 1
    pauses = [later - earlier for earlier, later in zip(asked, asked[1:], strict=False)]
    assert pauses[:4] == [10, 20, 35, 35] and set(pauses[2:]) == {35}
    assert (pacs.record().state, pacs.record().code) == ("waiting", "unreachable")
    pacs.failure = None
    pacs.now += 35
    pacs.deliver()
    assert len(pacs.taken) == 1 and pacs.record().state == "delivered"


def test_what_the_pacs_refuses_becomes_a_dead_letter_that_can_be_tried_again(pacs: Pacs) -> None:
    pacs.failure = RefusedError("refused-a700")
    for attempt in range(1, 6):
        pacs.deliver()
        assert pacs.record().attempts == min(attempt, 3)
        pacs.now += 100
    assert (pacs.record().state, pacs.record().code) == ("dead", "refused-a700")
    pacs.failure = None
    pacs.deliver()
    assert pacs.taken == []
    DeliveryRecords(pacs.folder / "delivery").retry("a")
    pacs.deliver()
    assert len(pacs.taken) == 1 and pacs.record().state == "delivered"


def test_one_study_s_failure_keeps_no_other_waiting(pacs: Pacs, monkeypatch: pytest.MonkeyPatch) -> None:
    write_results(pacs.folder / "results" / "b", "1.7")
    send = pacs.send

    def refuses_the_first(objects: Sequence[FileDataset]) -> None:
        if str(objects[0].SOPInstanceUID).startswith("1.9"):
            raise RefusedError("refused-a700")
        send(objects)

    monkeypatch.setattr(pacs, "send", refuses_the_first)
    pacs.deliver()
    assert pacs.record("a").state == "waiting" and pacs.record("b").state == "delivered"


def test_killed_before_it_was_noted_it_is_sent_again_under_the_same_identifiers(
    pacs: Pacs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DeliveryRecords, "write", killed)
        pacs.deliver()
    pacs.deliver()
    assert pacs.taken[0] == pacs.taken[1] and pacs.record().state == "delivered"


def test_results_that_are_gone_are_forgotten(pacs: Pacs) -> None:
    pacs.deliver()
    for path in sorted((pacs.folder / "results" / "a").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (pacs.folder / "results" / "a").rmdir()
    pacs.deliver()
    assert not list((pacs.folder / "delivery").iterdir())


def test_one_process_delivers(pacs: Pacs) -> None:
    (pacs.folder / "delivery").mkdir()
    with exclusive(pacs.folder / "delivery", create=False), pytest.raises(PneumofedError) as caught:
        pacs.deliver()
    assert caught.value.code == "delivery-busy"


def test_without_a_table_there_is_no_delivery() -> None:
    with pytest.raises(PneumofedError) as caught:
        delivery_of(PacsSettings())
    assert caught.value.code == "no-deliver"
