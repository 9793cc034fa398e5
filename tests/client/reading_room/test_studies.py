"""A study's state follows from what receiver and queue leave on disk."""

import os
import shutil
from pathlib import Path

import pytest

from client.pacs.inbox import COMPLETE, REFUSED
from client.reading_room.studies import Studies
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from tests.support.reading_room import NOON, WrittenRoom


@pytest.fixture
def written(tmp_path: Path) -> WrittenRoom:
    return WrittenRoom(tmp_path)


def studies_of(written: WrittenRoom) -> Studies:
    return Studies(written.settings.inboxes, written.settings.results)


def test_each_state(written: WrittenRoom) -> None:
    names = [written.arrive(number, complete=number > 1) for number in range(1, 7)]
    arriving, waiting, failed, diagnosed, refused, died = names
    written.fail(failed, "not-a-chest", "what, where, remedy")
    written.diagnose(diagnosed, label="other", ml=3.0)
    inbox = written.settings.inbox
    (inbox / refused / COMPLETE).rename(inbox / refused / REFUSED)
    written.fail(died, begun=3)
    found = studies_of(written).all()
    states = {name: study.state for name, study in found.items()}
    assert states == {
        arriving: "arriving",
        waiting: "waiting",
        failed: "failed",
        diagnosed: "diagnosed",
        refused: "failed",
        died: "failed",
    }
    codes = {name: found[name].failure.code for name in (failed, refused, died)}
    assert codes == {failed: "not-a-chest", refused: "several-patients", died: "diagnosis-died"}
    verdict = found[diagnosed].verdict
    assert verdict is not None and (verdict.label, verdict.infected_ml) == ("other", 3.0)
    assert found[diagnosed].arrived == NOON + 4 * 3600
    assert found[diagnosed].document().label == "other"


def test_the_latest_begun_is_being_diagnosed_while_the_queue_runs(written: WrittenRoom) -> None:
    interrupted, current = written.arrive(1), written.arrive(2)
    written.fail(interrupted)
    written.fail(current, begun=3)
    studies = studies_of(written)
    assert {study.state for study in studies.all().values()} == {"waiting", "failed"}
    with exclusive(written.settings.results, create=False):
        states = {name: study.state for name, study in studies.all().items()}
        assert states == {interrupted: "waiting", current: "diagnosing"}
        assert studies.find(current).state == "diagnosing"


def test_a_late_image_makes_a_diagnosis_and_a_failure_those_of_before(written: WrittenRoom) -> None:
    diagnosed, failed = written.arrive(1), written.arrive(2)
    written.diagnose(diagnosed)
    written.fail(failed, "not-a-chest", "x")
    studies = studies_of(written)
    assert [one.state for one in studies.all().values()].count("waiting") == 0
    for number in (1, 2):
        written.arrive(number)
    assert {one.state for one in studies.all().values()} == {"waiting"}
    with pytest.raises(PneumofedError) as refusal:
        studies.find(diagnosed).document()
    assert refusal.value.code == "not-diagnosed"


def test_uploads_are_an_inbox_of_their_own(written: WrittenRoom) -> None:
    received, uploaded = written.arrive(1), written.arrive(2, uploaded=True)
    found = studies_of(written)
    assert {name: one.uploaded for name, one in found.all().items()} == {received: False, uploaded: True}
    assert found.find(uploaded).images == written.settings.uploads / uploaded / "images"


@pytest.mark.parametrize("name", ["", "..", ".", "../inbox", "x", "a" * 65, ".key", "x/../y", "\0"])
def test_what_is_no_study_is_not_found(written: WrittenRoom, name: str) -> None:
    written.arrive(1)
    with pytest.raises(PneumofedError) as refusal:
        studies_of(written).find(name)
    assert refusal.value.code == "not-found"


@pytest.mark.parametrize("what", ["study", "images", "image", "folder", "pipe"])
def test_nothing_is_read_through_what_no_receiver_leaves(written: WrittenRoom, what: str) -> None:
    name, other = written.arrive(1), written.arrive(2, uploaded=True)
    images = written.images(name)
    elsewhere = written.images(other)
    if what == "study":
        shutil.rmtree(images.parent)
        images.parent.symlink_to(elsewhere.parent)
    elif what == "images":
        shutil.rmtree(images)
        images.symlink_to(elsewhere)
    elif what == "pipe":
        os.mkfifo(images / "0.dcm")
    else:
        (images / "0").symlink_to(elsewhere if what == "folder" else next(elsewhere.iterdir()))
    found = studies_of(written)
    study = found.find(name)
    assert study.state == "failed" and study.failure is not None and study.failure.code == "inbox-altered"
    assert name not in found.earlier() and found.find(other).state == "waiting"


def test_no_folder_is_no_study(tmp_path: Path) -> None:
    assert Studies((tmp_path / "no", tmp_path / "neither"), tmp_path / "nor").all() == {}


def test_earlier_scans_are_of_the_same_patient(written: WrittenRoom) -> None:
    old = written.arrive(1, StudyDate="20260301")
    new = written.arrive(2, PatientID="P1", StudyDate="20260331")
    written.arrive(3, StudyDate="20260401")
    earlier = studies_of(written).earlier()
    assert {name: [(one.study, one.days) for one in scans] for name, scans in earlier.items() if scans} == {
        new: [(old, 30)]
    }


def test_the_mark_changes_with_everything_that_a_list_shows(written: WrittenRoom) -> None:
    studies, marks = studies_of(written), set()
    steps = (
        lambda: None,
        lambda: written.arrive(1, complete=False),
        lambda: written.arrive(1),
        lambda: written.fail(name),
        lambda: written.fail(name, "not-a-chest", "x"),
        lambda: written.diagnose(name),
    )
    for number, step in enumerate(steps, start=1):
        name = next(iter(studies.all()), "")
        step()
        marks.add(studies.mark())
        assert len(marks) == number
    with exclusive(written.settings.results, create=False):
        assert studies.mark() not in marks


def test_a_study_that_is_deleted_is_gone(written: WrittenRoom) -> None:
    name = written.arrive(1)
    studies = studies_of(written)
    assert set(studies.all()) == {name}
    os.rename(written.settings.inbox / name, written.folder / "elsewhere")
    assert studies.all() == {}


def test_a_study_that_is_not_of_one_patient_is_shown_as_nobodys(written: WrittenRoom) -> None:
    one, several = written.arrive(1, PatientName="One^Ona"), written.arrive(2, PatientName="Two^Tom")
    (written.settings.inbox / several / REFUSED).touch()
    linked = written.arrive(3, PatientName="Three^Tia")
    (written.images(linked) / "link").symlink_to("/etc/passwd")
    studies = written.open().studies
    header = studies.find(one).patient()
    assert header is not None and header.name == "One, Ona"
    assert studies.find(several).patient() is None and studies.find(linked).patient() is None
