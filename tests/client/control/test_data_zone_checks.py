"""The checks that the trainer makes: no path, no number of scans, nothing of the network."""

from pathlib import Path

from client.control.data_zone_checks import data_zone_checks, named_paths
from tests.support.controlled_hospital import PATIENT, written_hospital


def test_rows_have_neither_paths_nor_a_number_of_scans(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    hospital.state.mkdir()
    rows = {row.check: row for row in data_zone_checks(hospital)}
    assert rows["store"].state == "ok" and not any(char.isdigit() for char in rows["store"].found)
    assert rows["write state"].found == "state can be written"
    assert {"dns", "tls", "admission", "key"}.isdisjoint(rows)
    text = "".join(row.found + row.remedy for row in rows.values())
    assert PATIENT not in text and str(tmp_path) not in text


def test_a_store_that_is_gone_is_named_without_its_path(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    closed = hospital.model_copy(update={"store": tmp_path / PATIENT / "gone"})
    (row,) = [row for row in data_zone_checks(closed) if row.check == "store"]
    assert row.state == "fail" and PATIENT not in row.found + row.remedy


def test_the_longest_path_is_named_first(tmp_path: Path) -> None:
    hospital = written_hospital(tmp_path)
    text = f"{hospital.store}/studies/x, {hospital.store.parent}/other, {hospital.state} and {tmp_path}"
    assert named_paths(text, hospital) == "store/studies/x, .../other, state and ..."
