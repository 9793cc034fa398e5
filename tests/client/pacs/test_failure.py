"""Why a study has no diagnosis, as the queue writes it and others read it."""

from pathlib import Path

import pytest

from client.pacs.failure import FAILURE, MOST_BEGUN, Failure, of_several_patients, read_failure, write_failure


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    failure = Failure(made_of="f w c", begun=2, code="not-a-chest", reason="no lungs")
    write_failure(tmp_path, failure)
    assert read_failure(tmp_path) == failure


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b'{"made_of": "x"}', b'{"made_of": "", "begun": 1, "more": 1}']
)
def test_what_cannot_be_read_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FAILURE).write_bytes(content)
    assert read_failure(tmp_path) is None


def test_one_that_runs_is_no_error_until_it_died_too_often() -> None:
    assert all(Failure(made_of="x", begun=begun).as_error() is None for begun in range(1, MOST_BEGUN))
    died = Failure(made_of="x", begun=MOST_BEGUN).as_error()
    assert died is not None and died.code == "diagnosis-died"
    told = Failure(made_of="x", begun=1, code="not-a-chest", reason="no lungs").as_error()
    assert told is not None and (told.code, str(told)) == ("not-a-chest", "no lungs")


def test_several_patients_have_a_code() -> None:
    assert of_several_patients().code == "several-patients"
