"""An upload is accepted whole or leaves no trace, whatever is wrong with it and whenever the process dies."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.pacs import inbox as inbox_module
from client.pacs.inbox import complete_studies, deleted_studies
from client.pacs.pacs_settings import ReadSettings
from client.reading_room.arriving import GIB
from client.reading_room.receipts import Receipt
from client.reading_room.upload_refusals import UPLOAD_REFUSALS
from client.reading_room.uploads import Uploads
from shared_model.errors import PneumofedError
from tests.support.diagnosed_scans import PATIENT
from tests.support.processes import ROOT, wait_until
from tests.support.raw_zips import Entry, image_bytes, raw_zip, study_zip

BOUNDS = ReadSettings(min_free_gb=0)


class Room:
    """Uploads in a folder of its own."""

    def __init__(self, folder: Path, settings: ReadSettings = BOUNDS) -> None:
        self.folder, self.results, self.settings = folder / "uploads", folder / "results", settings
        self.results.mkdir(parents=True, exist_ok=True)
        self.uploads = Uploads(self.folder, self.results, settings)
        self.uploads.clear_unfinished()

    def upload(self, archive: bytes, reader: str = "anna") -> Receipt:
        with self.uploads.arriving(len(archive)) as upload:
            upload.write(archive)
            return self.uploads.accept(reader, upload)

    def refused(self, archive: bytes) -> PneumofedError:
        with pytest.raises(PneumofedError) as caught:
            self.upload(archive)
        return caught.value

    @property
    def studies(self) -> list[str]:
        return list(complete_studies(self.folder))

    def files(self) -> dict[str, bytes]:
        """Everything on disk but the inbox's key and locks."""
        found = {
            str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()
        }
        return {name: path.read_bytes() for name, path in found.items() if name not in (".key", ".lock")}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_study_is_complete_under_names_of_the_inbox(room: Room) -> None:
    receipt = room.upload(
        raw_zip([*(Entry(f"{n}", image_bytes(n)) for n in range(3)), Entry("readme", b"x")])
    )
    assert room.studies == [receipt.study]
    images = sorted((room.folder / receipt.study / "images").iterdir())
    assert sorted(image.read_bytes() for image in images) == sorted(image_bytes(n) for n in range(3))
    assert (receipt.reader, receipt.images, receipt.not_kept) == ("anna", 3, {"not-dicom": 1})
    assert room.uploads.of("anna") == [receipt] and room.uploads.of("berta") == []
    names = " ".join(room.files())
    assert not [value for value in (*PATIENT.values(), "readme", "1.2.3") if value in names]
    assert not list((room.folder / ".incoming").iterdir())
    assert not [path for path in room.folder.rglob("*.dcm") if path.stat().st_mode & 0o7]


BAD = {
    "not-a-zip": b"no archive",
    "zip-broken": study_zip()[:-30] + study_zip()[-22:],
    "zip-encrypted": raw_zip([Entry("a", b"1", flags=1)]),
    "zip-method": raw_zip([Entry("a", b"1", method=14)]),
    "zip-bomb": raw_zip([Entry("a", image_bytes(), declared=3 << 30)]),
    "unsafe-path": raw_zip([Entry("0", image_bytes()), Entry("../../../escaped", b"1")]),
    "zip-link": raw_zip([Entry("0", image_bytes()), Entry("a", b"/etc/passwd", mode=0o120777)]),
    "zip-device": raw_zip([Entry("0", image_bytes()), Entry("a", mode=0o20666)]),
    "names-not-utf8": raw_zip([Entry(b"\xfc", image_bytes(), flags=0)]),
    "duplicate-names": raw_zip([Entry("0", image_bytes()), Entry("0", image_bytes(1))]),
    "nested-archive": raw_zip([Entry("0", image_bytes()), Entry("a.zip", study_zip())]),
    "no-ct-images": raw_zip([Entry("DICOMDIR", b"x"), Entry("mr", image_bytes(Modality="MR"))]),
    "several-patients": raw_zip(
        [Entry("0", image_bytes()), Entry("1", image_bytes(1, PatientID="MRN-1", StudyInstanceUID="1.9"))]
    ),
    "several-studies": raw_zip(
        [Entry("0", image_bytes()), Entry("1", image_bytes(1, StudyInstanceUID="1.9"))]
    ),
    "conflicting-images": raw_zip([Entry("0", image_bytes()), Entry("1", image_bytes(Rows=5))]),
}


@pytest.mark.parametrize("code", BAD)
def test_what_is_refused_leaves_no_trace_and_names_nobody(code: str, room: Room) -> None:
    before = room.upload(study_zip(2, StudyInstanceUID="1.7"))
    kept = room.files()
    error = room.refused(BAD[code])
    assert error.code == code and str(error) == UPLOAD_REFUSALS[code]
    assert room.files() == kept and room.studies == [before.study] and room.uploads.of("anna") == [before]
    assert not list((room.folder / ".incoming").iterdir())


def test_bounds_of_files_and_of_unpacked_size(tmp_path: Path) -> None:
    few = Room(tmp_path / "few", BOUNDS.model_copy(update={"max_files": 2}))
    assert few.upload(study_zip(2)).images == 2 and few.refused(study_zip(3)).code == "too-many-files"
    size = len(image_bytes())
    small = Room(tmp_path / "small", BOUNDS.model_copy(update={"max_unpacked_gb": 2 * size / GIB}))
    assert small.upload(study_zip(2)).images == 2 and small.refused(study_zip(3)).code == "unpacked-too-large"


def test_the_announced_size_is_checked_before_a_byte_is_read(tmp_path: Path) -> None:
    room = Room(tmp_path, BOUNDS.model_copy(update={"max_upload_gb": 1000 / GIB}))
    for announced, code in ((1001, "upload-too-large"), (1 << 62, "upload-too-large")):
        with pytest.raises(PneumofedError) as caught, room.uploads.arriving(announced):
            pass
        assert caught.value.code == code
    full = Room(tmp_path / "full", BOUNDS.model_copy(update={"min_free_gb": 10_000_000.0}))
    assert full.refused(study_zip()).code == "disk-full"


def test_the_same_study_again_changes_nothing_and_other_images_of_it_are_refused(room: Room) -> None:
    first = room.upload(study_zip(3))
    study = room.folder / first.study
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    again = room.upload(study_zip(3), "berta")
    assert again.study == first.study and again.id != first.id
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before
    for other in (study_zip(2), study_zip(4), study_zip(3, Rows=5)):
        assert room.refused(other).code == "study-differs"
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before
    assert len(room.uploads.of("anna")) == 1 and not list((room.folder / ".incoming").iterdir())


def test_a_study_goes_with_the_last_upload_of_it(room: Room) -> None:
    first, again = room.upload(study_zip()), room.upload(study_zip(), "berta")
    for reader, upload in (("berta", first.id), ("carla", again.id), ("anna", "../x"), ("anna", "")):
        with pytest.raises(PneumofedError) as caught:
            room.uploads.delete(reader, upload)
        assert caught.value.code == "not-found"
    room.uploads.delete("anna", first.id)
    assert room.studies == [first.study] and deleted_studies(room.folder) == set()
    room.uploads.delete("berta", again.id)
    assert room.studies == [] and deleted_studies(room.folder) == {first.study}
    assert not room.uploads.of("anna") + room.uploads.of("berta")
    assert room.upload(study_zip()).study == first.study
    assert deleted_studies(room.folder) == set() and room.studies == [first.study]


def test_only_so_many_wait(tmp_path: Path) -> None:
    room = Room(tmp_path, BOUNDS.model_copy(update={"most_waiting": 2}))
    first = room.upload(study_zip())
    with room.uploads.arriving():
        assert room.refused(study_zip(StudyInstanceUID="1.7")).code == "too-many-waiting"
    room.upload(study_zip(StudyInstanceUID="1.7"))
    assert room.refused(study_zip(StudyInstanceUID="1.8")).code == "too-many-waiting"
    (room.results / first.study).mkdir()
    (room.results / first.study / "failure.json").write_text(
        '{"made_of": "x", "begun": 1, "code": "", "reason": ""}'
    )
    assert room.refused(study_zip(StudyInstanceUID="1.8")).code == "too-many-waiting"  # it is being diagnosed
    (room.results / first.study / "diagnosis.json").write_text("{}")
    room.upload(study_zip(StudyInstanceUID="1.8"))


def test_old_uploads_are_deleted_with_their_receipts(room: Room) -> None:
    old, new = room.upload(study_zip()), room.upload(study_zip(StudyInstanceUID="1.7"))
    os.utime(room.folder / old.study / "images", (0, 0))
    assert room.uploads.delete_old(1) == 1
    assert room.studies == [new.study] and room.uploads.of("anna") == [new]


def test_old_uploads_are_deleted_until_the_room_ends(room: Room) -> None:
    old = room.upload(study_zip())
    os.utime(room.folder / old.study / "images", (0, 0))
    ending = threading.Event()
    tending = threading.Thread(target=room.uploads.tend, args=(1, ending))
    tending.start()
    wait_until(lambda: room.studies == [], seconds=10, what="the deletion")
    assert room.upload(study_zip()).images == 3
    ending.set()
    tending.join(10)
    assert not tending.is_alive() and room.refused(study_zip()).code == "upload-cut-short"


def test_what_a_clock_that_was_set_back_left_is_cleared(room: Room) -> None:
    (room.folder / ".incoming" / "upload-x").mkdir()
    os.utime(room.folder / ".incoming" / "upload-x", (1 << 33, 1 << 33))
    Room(room.folder.parent)
    assert not list((room.folder / ".incoming").iterdir())


def test_two_uploads_of_one_study_at_once_are_one_study(room: Room) -> None:
    receipts: list[Receipt] = []
    ready = threading.Barrier(4)

    def upload(reader: str) -> None:
        ready.wait()
        receipts.append(room.upload(study_zip(5), reader))

    threads = [threading.Thread(target=upload, args=(f"reader-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.study for one in receipts} == set(room.studies) and len(receipts) == 4
    assert len(list((room.folder / room.studies[0] / "images").iterdir())) == 5


def test_uploads_and_deletions_of_one_study_at_once_leave_it_exactly_with_a_receipt(room: Room) -> None:
    failures: list[BaseException] = []

    def turn(reader: str) -> None:
        try:
            for _ in range(4):
                receipt = room.upload(study_zip(), reader)
                assert receipt.study in room.studies
                if receipt.id[-1] < "a":
                    room.uploads.delete(reader, receipt.id)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=turn, args=(f"reader-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    receipts = [one for number in range(4) for one in room.uploads.of(f"reader-{number}")]
    assert {one.study for one in receipts} == set(room.studies)
    assert bool(deleted_studies(room.folder)) != bool(room.studies)
    assert not list((room.folder / ".incoming").iterdir())


def test_a_full_disk_while_the_study_is_moved_is_one_refusal(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    kept = room.files()
    with monkeypatch.context() as patch:
        patch.setattr(inbox_module, "_make_durable", full)
        assert room.refused(study_zip()).code == "disk-full"
    assert room.files() == kept and room.studies == [] and room.uploads.of("anna") == []
    assert room.upload(study_zip()).images == 3


STEPS = {
    "while it arrives": "client.reading_room.arriving.ArrivingUpload.study",
    "after it was unpacked": "client.reading_room.arriving.one_study",
    "before its receipt": "client.reading_room.receipts.Receipts.write",
    "before its study": "client.pacs.inbox.Inbox.take_study",
    "while images are moved": "client.pacs.inbox._make_durable",
    "before it is in its place": "client.pacs.inbox.flush_folder",
}
DYING = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from unittest import mock
from client.pacs.pacs_settings import ReadSettings
from client.reading_room.uploads import Uploads

folder = Path(sys.argv[1])
uploads = Uploads(folder / "uploads", folder / "results", ReadSettings(min_free_gb=0))
with uploads.arriving() as upload:
    upload.write((folder / "archive").read_bytes())
    with mock.patch(sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL)):
        uploads.accept("anna", upload)
"""


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_the_middle_nothing_is_diagnosed_and_the_next_start_clears_it(
    step: str, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "archive").write_bytes(study_zip())
    died = subprocess.run([sys.executable, "-c", DYING, tmp_path, STEPS[step]], cwd=ROOT, timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert complete_studies(tmp_path / "uploads") == {}
    assert list((tmp_path / "uploads" / ".incoming").iterdir())
    room = Room(tmp_path)
    assert room.files() == {} and room.uploads.of("anna") == []
    assert room.upload(study_zip()).images == 3


ENDLESS = """
import sys
from pathlib import Path
from client.pacs.pacs_settings import ReadSettings
from client.reading_room.uploads import Uploads

folder = Path(sys.argv[1])
uploads = Uploads(folder / "uploads", folder / "results", ReadSettings(min_free_gb=0, most_waiting=999))
for archive in sorted(folder.glob("*.zip")):
    with uploads.arriving() as upload:
        upload.write(archive.read_bytes())
        uploads.accept("anna", upload)
"""


def test_it_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    """Many uploads in a process that is killed: each study that is there is whole, and has its receipt."""
    (tmp_path / "results").mkdir()
    for number in range(200):
        (tmp_path / f"{number}.zip").write_bytes(study_zip(6, StudyInstanceUID=f"1.7.{number}"))
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, tmp_path], cwd=ROOT)
    wait_until(lambda: len(list(tmp_path.glob("uploads/*/complete"))) >= 5, seconds=60, what="some uploads")
    process.kill()
    process.wait()
    whole = complete_studies(tmp_path / "uploads")
    assert 5 <= len(whole) < 200
    assert all(len(list((study / "images").iterdir())) == 6 for study in whole.values())
    room = Room(tmp_path)
    assert {one.study for one in room.uploads.of("anna")} == set(whole)
    assert not list((room.folder / ".incoming").iterdir())
    assert {path.name for path in room.folder.iterdir() if path.name[0] != "."} == set(whole)


GOOD = Entry("0", image_bytes(0))
PARTS = st.sampled_from(
    [
        GOOD, Entry("1", image_bytes(1)), Entry("b/2", image_bytes(2)), Entry("readme", b"x"),
        Entry("mr", image_bytes(3, Modality="MR")), Entry("d/", mode=0o40755),
        Entry("other", image_bytes(4, PatientID="B")), Entry("../x", b"1"), Entry("in.zip", study_zip(1)),
        Entry("link", b"x", mode=0o120777), Entry("lie", b"12345", declared=4), Entry("sum", b"12345", crc=1),
    ]
)  # fmt: skip
LAWFUL = {"0", "1", "b/2", "readme", "mr", "d/", "other"}


@given(entries=st.lists(PARTS, max_size=5))
def test_accepted_if_and_only_if_all_laws_hold_and_else_without_a_trace(
    entries: list[Entry], tmp_path_factory: pytest.TempPathFactory
) -> None:
    room = Room(tmp_path_factory.mktemp("one"))
    names = [one.name for one in entries]
    images, others = {"0", "1", "b/2"} & set(names), {"other"} & set(names)
    of_one = bool(images) != bool(others)
    lawful = set(names) <= LAWFUL and len(set(names)) == len(names) and of_one
    outside = set(room.folder.parent.rglob("*"))
    try:
        receipt = room.upload(raw_zip(entries))
    except PneumofedError:
        assert not lawful and room.files() == {} and room.studies == []
        assert set(room.folder.parent.rglob("*")) == outside
    else:
        assert lawful and receipt.images == len(images | others) and room.studies == [receipt.study]


def test_a_process_that_only_looks_disturbs_no_upload(room: Room) -> None:
    with room.uploads.arriving() as upload:
        upload.write(study_zip())
        Uploads(room.folder, room.results, room.settings)
        assert room.uploads.accept("anna", upload).images == 3


def test_a_sender_that_goes_away_leaves_no_trace(room: Room) -> None:
    with pytest.raises(KeyboardInterrupt), room.uploads.arriving() as upload:
        upload.write(study_zip())
        raise KeyboardInterrupt
    assert room.files() == {} and room.upload(study_zip()).images == 3
