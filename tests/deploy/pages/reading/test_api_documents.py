"""What a reader is told of a study: its place in the queue, its progress, why it failed, and no verdict."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.pacs.queue_progress import progress_told
from client.reading_room.reading_log import Answer
from deploy.pages.reading.api_documents import ReaderView
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from tests.support.raw_zips import study_zip
from tests.support.reading_room import NOON, WrittenRoom


@pytest.fixture
def written(tmp_path: Path) -> WrittenRoom:
    return WrittenRoom(tmp_path, min_free_gb=0)


def test_studies_are_in_order_of_arrival_with_those_that_wait_before(written: WrittenRoom) -> None:
    names = [written.arrive(number, uploaded=number == 2) for number in (3, 1, 2)]
    arriving = written.arrive(4, complete=False)
    view = ReaderView(written.open(), "ada").studies()
    assert [one.name for one in view.studies] == [names[1], names[2], names[0], arriving]
    assert [one.ahead for one in view.studies] == [0, 1, 2, None]
    assert [one.uploaded for one in view.studies] == [False, True, False, False]
    assert view.studies[0].arrived == datetime.fromtimestamp(NOON + 3600, UTC)


def test_progress_is_of_the_study_that_is_diagnosed(written: WrittenRoom) -> None:
    first, second = written.arrive(1), written.arrive(2)
    results = written.settings.results
    with exclusive(results, create=False), progress_told(results, second) as on_step:
        on_step("networks", 3, 9)
        view = ReaderView(written.open(), "ada")
        progress = view.study(second).progress
        assert progress is not None and (progress.step, progress.done, progress.total) == ("networks", 3, 9)
        assert view.study(first).progress is None
    assert ReaderView(written.open(), "ada").study(second).progress is None


def test_why_a_study_failed_is_told_and_what_the_model_said_is_not(written: WrittenRoom) -> None:
    failed, diagnosed = written.arrive(1), written.arrive(2)
    written.fail(failed, "no-lungs", "no lungs are found")
    written.diagnose(diagnosed)
    room = written.open()
    view = ReaderView(room, "ada")
    failure = view.study(failed).failure
    assert failure is not None and (failure.code, failure.problem) == ("no-lungs", "no lungs are found")
    assert not view.study(diagnosed).may_see_model
    assert "covid" not in view.studies().model_dump_json()
    room.answer("ada", diagnosed, Answer(label="healthy", confidence=2, comment=""))
    assert ReaderView(room, "ada").study(diagnosed).may_see_model
    assert not ReaderView(room, "ben").study(diagnosed).may_see_model


def test_an_upload_has_its_study_and_none_that_is_deleted(written: WrittenRoom) -> None:
    room = written.open()
    with room.uploads.arriving() as upload:
        upload.write(study_zip())
        receipt = room.uploads.accept("ada", upload)
    found = ReaderView(room, "ada").upload(receipt)
    assert (found.id, found.images, found.study.name) == (receipt.id, 3, receipt.study)
    room.uploads.delete("ada", receipt.id)
    with pytest.raises(PneumofedError) as caught:
        ReaderView(room, "ada").upload(receipt)
    assert caught.value.code == "not-found"
