"""What is known of deliveries, and dead letters that are tried again."""

from pathlib import Path

import pytest

from client.pacs.delivery_record import DeliveryRecord, DeliveryRecords
from shared_model.errors import PneumofedError

DEAD = DeliveryRecord(digest="d", state="dead", objects=6, attempts=5, refusals=5, code="refused-a700")


def test_records_survive_and_the_undelivered_are_listed(tmp_path: Path) -> None:
    records = DeliveryRecords(tmp_path / "delivery")
    waiting = DEAD.model_copy(update={"state": "waiting"})
    assert records.undelivered() == {} and not (tmp_path / "delivery").exists()
    (tmp_path / "delivery").mkdir()
    for study, record in (("a", DEAD), ("b", waiting), ("c", DEAD.model_copy(update={"state": "delivered"}))):
        records.write(study, record)
    (tmp_path / "delivery" / "d.json").write_text("{")
    again = DeliveryRecords(tmp_path / "delivery")
    assert again.undelivered() == {"a": DEAD, "b": waiting}
    assert again.read("d") is None and again.read("e") is None
    again.remove("a")
    assert [study for study, _ in again.all()] == ["b", "c"]


def test_a_dead_letter_is_tried_again_as_if_for_the_first_time(tmp_path: Path) -> None:
    records = DeliveryRecords(tmp_path)
    records.write("a", DEAD)
    records.retry("a")
    found = records.read("a")
    assert found is not None and (found.state, found.attempts, found.refusals) == ("waiting", 0, 0)
    for study in ("a", "b", "../a"):
        with pytest.raises(PneumofedError) as caught:
            records.retry(study)
        assert caught.value.code == "no-dead-letter"
