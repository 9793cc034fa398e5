"""The inbox: nothing is lost, nothing of a header is a name, and no study is of two patients."""

import os
import time
from pathlib import Path

import pytest
from pydicom import dcmread

from client.pacs import inbox as module
from client.pacs.inbox import Inbox, complete_studies, deleted_studies, refused_studies
from client.pacs.received_image import NotKeptError
from tests.support.diagnosed_scans import PATIENT
from tests.support.pacs import image


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox")


def received(inbox: Inbox, **tags: object) -> Path:
    return image(inbox.incoming, f"tmp{len(list(inbox.incoming.iterdir()))}", **tags)  # type: ignore[arg-type]


def quieten(study: Path) -> None:
    """As if its last image had come an hour ago."""
    os.utime(study / "images", (time.time() - 3600, time.time() - 3600))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_image_is_in_its_study_as_it_was_sent_under_names_of_the_inbox(inbox: Inbox) -> None:
    file = received(inbox)
    content = file.read_bytes()
    study = inbox.folder / inbox.take(file)
    (kept,) = (study / "images").iterdir()
    assert kept.read_bytes() == content and not list(inbox.incoming.iterdir())
    assert inbox.take(received(inbox, number=1)) == study.name
    assert inbox.take(received(inbox, number=2, StudyInstanceUID="1.2.4")) != study.name
    names = "".join(files(inbox.folder))
    assert not [value for value in (*PATIENT.values(), "1.2.3") if value in names]
    assert Inbox(inbox.folder).take(received(inbox, number=3)) == study.name  # after a restart as well


def test_it_is_on_disk_before_take_returns(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """File before its name, name before the answer: what a power failure leaves behind."""
    events: list[tuple[str, str]] = []
    flush, replace = os.fsync, os.replace

    def flushed(handle: int) -> None:
        events.append(("flush", os.readlink(f"/proc/self/fd/{handle}")))
        flush(handle)

    def renamed(source: Path, target: Path) -> None:
        events.append(("rename", str(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    file = received(inbox)
    study = inbox.folder / inbox.take(file)
    (kept,) = (study / "images").iterdir()
    assert events == [
        ("flush", str(file)),
        ("rename", str(kept)),
        ("flush", str(study / "images")),
        ("flush", str(study)),
        ("flush", str(inbox.folder)),
    ]


def test_a_study_is_complete_after_the_quiet_time(inbox: Inbox) -> None:
    study = inbox.folder / inbox.take(received(inbox))
    assert inbox.mark_quiet(60) == 0 and complete_studies(inbox.folder) == {}
    quieten(study)
    assert inbox.mark_quiet(60) == 1 and complete_studies(inbox.folder) == {study.name: study}
    assert inbox.mark_quiet(60) == 0


def test_a_late_image_opens_it_again(inbox: Inbox) -> None:
    study = inbox.folder / inbox.take(received(inbox))
    quieten(study)
    inbox.mark_quiet(60)
    inbox.take(received(inbox, number=1))
    assert complete_studies(inbox.folder) == {} and inbox.mark_quiet(60) == 0
    quieten(study)
    assert inbox.mark_quiet(60) == 1


def test_the_same_image_again_changes_nothing_another_one_under_its_uid_replaces_it(inbox: Inbox) -> None:
    study = inbox.folder / inbox.take(received(inbox))
    quieten(study)
    inbox.mark_quiet(60)
    (kept,) = (study / "images").iterdir()
    before = kept.stat().st_mtime_ns
    inbox.take(received(inbox))
    assert kept.stat().st_mtime_ns == before and complete_studies(inbox.folder)
    inbox.take(received(inbox, PixelData=b"\1" * 32))
    assert b"\1" * 32 in kept.read_bytes() and not complete_studies(inbox.folder)
    assert not list(inbox.incoming.iterdir())


def test_a_study_of_two_patients_is_refused_whole(inbox: Inbox) -> None:
    study = inbox.folder / inbox.take(received(inbox))
    quieten(study)
    inbox.mark_quiet(60)
    for number, patient in ((1, "MRN-1"), (2, PATIENT["PatientID"])):
        with pytest.raises(NotKeptError) as caught:
            inbox.take(received(inbox, number=number, PatientID=patient))
        assert caught.value.reason == "several-patients"
    quieten(study)
    assert inbox.mark_quiet(60) == 0
    assert complete_studies(inbox.folder) == {} and refused_studies(inbox.folder) == {study.name: study}
    assert len(list((study / "images").iterdir())) == 1
    assert len(list((inbox.folder / ".quarantine").glob("several-patients-*.dcm"))) == 2


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom, of this value
def test_what_is_not_kept_is_in_quarantine_and_nowhere_else(inbox: Inbox, tmp_path: Path) -> None:
    with pytest.raises(NotKeptError):
        inbox.take(received(inbox, SOPInstanceUID="../../../../../escaped"))
    with pytest.raises(NotKeptError) as caught:
        inbox.take(received(inbox, number=1), named="1.2.3.9")
    assert caught.value.reason == "identifiers-differ"
    assert {path.parts[0] for path in map(Path, files(tmp_path))} == {"inbox"}
    reasons = sorted(name.rpartition("-")[0] for name in files(inbox.folder / ".quarantine"))
    assert reasons == ["bad-identifiers", "identifiers-differ"] and not list(inbox.incoming.iterdir())


def test_the_quarantine_does_not_grow_without_end(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def quarantined() -> set[str]:
        return {dcmread(file).SOPInstanceUID[-1] for file in (inbox.folder / ".quarantine").iterdir()}

    def refuse(number: int) -> None:
        with pytest.raises(NotKeptError):
            inbox.take(received(inbox, number=number, Modality="MR"))

    monkeypatch.setattr(module, "MOST_QUARANTINED", 3)
    for number in range(5):
        refuse(number)
    assert quarantined() == {"2", "3", "4"}
    size = next((inbox.folder / ".quarantine").iterdir()).stat().st_size
    monkeypatch.setattr(module, "MOST_QUARANTINED_BYTES", 2 * size)
    refuse(5)
    assert quarantined() == {"4", "5"}


def test_old_studies_are_deleted(inbox: Inbox) -> None:
    old = inbox.folder / inbox.take(received(inbox))
    new = inbox.folder / inbox.take(received(inbox, number=1, StudyInstanceUID="1.2.4"))
    quieten(old)
    assert inbox.delete_old(1 / 48) == 1 and not old.exists() and new.exists()
    assert not list(inbox.incoming.iterdir())


def test_what_nobody_finishes_receiving_is_deleted(inbox: Inbox) -> None:
    abandoned, running = received(inbox), received(inbox, number=1)
    os.utime(abandoned, (0, 0))
    inbox.clear_incoming(60)
    assert list(inbox.incoming.iterdir()) == [running]


def test_a_clock_that_is_set_back_delays_by_the_quiet_time_only(inbox: Inbox) -> None:
    study = inbox.folder / inbox.take(received(inbox))
    os.utime(study / "images", (time.time() + 3600, time.time() + 3600))
    assert inbox.mark_quiet(0.001) == 0
    assert (study / "images").stat().st_mtime <= time.time()


def test_a_full_disk_is_no_lost_image(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_make_durable", full)
    with pytest.raises(OSError, match="No space"):
        inbox.take(received(inbox))
    assert not complete_studies(inbox.folder) and not list(inbox.folder.glob("*/images/*"))


def whole(inbox: Inbox, images: int = 3, **tags: object) -> dict[str, Path]:
    """Images of a study in `incoming`, by SOPInstanceUID."""
    return {f"1.2.3.{number}": received(inbox, number=number, **tags) for number in range(images)}


def test_a_whole_study_is_complete_at_once_under_the_same_names(inbox: Inbox) -> None:
    uid = PATIENT["StudyInstanceUID"]
    study = inbox.take_study(uid, whole(inbox))
    assert complete_studies(inbox.folder) == {study: inbox.folder / study}
    assert study == inbox.name_of(uid) == inbox.take(received(inbox))
    assert len(list((inbox.folder / study / "images").iterdir())) == 3 and not list(inbox.incoming.iterdir())


def test_a_whole_study_is_on_disk_before_it_appears(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: set[str] = set()
    flush, rename = os.fsync, os.rename

    def noted(handle: int) -> None:
        flushed.add(os.readlink(f"/proc/self/fd/{handle}"))
        flush(handle)

    def renamed(source: Path, target: Path) -> None:
        assert {str(source), str(source / "images")} <= flushed
        assert all(str(file) in flushed for file in files_before)
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", renamed)
    images = whole(inbox)
    files_before = list(images.values())
    inbox.take_study("1.2", images)
    assert str(inbox.folder) in flushed


def test_a_whole_study_again_changes_nothing_and_another_one_is_refused(inbox: Inbox) -> None:
    study = inbox.folder / inbox.take_study("1.2", whole(inbox))
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    assert inbox.take_study("1.2", whole(inbox)) == study.name
    for other in (whole(inbox, 2), whole(inbox, 4), whole(inbox, Rows=5)):
        with pytest.raises(NotKeptError) as caught:
            inbox.take_study("1.2", other)
        assert caught.value.reason == "study-differs"
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before
    assert not list(inbox.incoming.iterdir())


def test_a_whole_study_that_the_disk_does_not_hold_is_not_there(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    images = whole(inbox)
    monkeypatch.setattr(module, "flush_folder", full)
    with pytest.raises(OSError, match="No space"):
        inbox.take_study("1.2", images)
    assert complete_studies(inbox.folder) == {} and not list(inbox.incoming.iterdir())


def test_a_study_that_people_delete_is_told_until_it_comes_again(inbox: Inbox) -> None:
    study = inbox.take_study("1.2", whole(inbox))
    inbox.delete(study)
    inbox.delete("unknown")
    assert not (inbox.folder / study).exists() and not list(inbox.incoming.iterdir())
    assert deleted_studies(inbox.folder) == {study}
    inbox.take_study("1.2", whole(inbox))
    assert deleted_studies(inbox.folder) == set()
    inbox.delete(study)
    os.utime(inbox.folder / ".deleted" / study, (0, 0))
    inbox.delete_old(1)
    assert deleted_studies(inbox.folder) == set()
