"""The receiver as peers meet it: what it answers, whom it lets in, and that one peer cannot stop another."""

import gc
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage

from client.pacs import receiver as module
from client.pacs.inbox import Inbox
from client.pacs.received_image import NotKeptError
from tests.support.pacs import call, receiving, small_dataset
from tests.support.processes import wait_until

# pynetdicom's side of a peer that is cut off leaves its socket open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def forget_sockets() -> Iterator[None]:
    """In the test that made them."""
    yield
    gc.collect()


MR, CT = MRImageStorage, "1.2.840.10008.5.1.4.1.1.2"


def stored(inbox: Inbox) -> int:
    return len(list(inbox.folder.glob("*/images/*.dcm")))


def test_an_image_is_answered_once_it_is_kept_and_an_echo_at_once(tmp_path: Path) -> None:
    with receiving(tmp_path) as (receiver, inbox, port):
        association = call(port)
        assert association.send_c_echo().Status == 0
        for number in range(3):
            assert association.send_c_store(small_dataset(number)).Status == 0
            assert stored(inbox) == number + 1
        association.release()
        assert receiver.counts() == {"kept": 3} and not list(inbox.incoming.iterdir())


def test_success_is_not_answered_before_the_image_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Inbox, "take", fails)
    with receiving(tmp_path) as (receiver, _, port):
        association = call(port)
        assert association.send_c_store(small_dataset()).Status == 0xA700
        association.release()
        assert receiver.counts() == {"disk-full": 1}


def test_what_is_not_kept_is_counted_by_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    with receiving(tmp_path) as (receiver, inbox, port):
        association = call(port, classes=(CT, MR))
        answers = [
            association.send_c_store(data).Status
            for data in (
                small_dataset(0),
                small_dataset(1, SOPClassUID=MR, Modality="MR"),
                small_dataset(2, Modality="SR"),
                small_dataset(3, StudyInstanceUID=None),
                small_dataset(4, PatientID="MRN-1"),
                small_dataset(5, StudyInstanceUID="1.2.4"),
            )
        ]
        association.release()
        assert answers == [0x0000, 0x0000, 0x0000, 0xC000, 0xA900, 0x0000]
        expected = {"bad-identifiers": 1, "kept": 2, "not-ct": 2, "several-patients": 1}
        assert receiver.counts() == expected and stored(inbox) == 2


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom, of this value
def test_a_name_that_climbs_out_of_the_folder_is_no_name(tmp_path: Path) -> None:
    """Of the request, whose identifier need not be that of the object."""
    with receiving(tmp_path / "here") as (receiver, inbox, port):
        association = call(port)
        data = small_dataset()
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "../../../../escaped"
        status = association.send_c_store(data)
        association.release()
        assert status.get("Status") != 0 and stored(inbox) == 0
        assert not [path for path in tmp_path.rglob("*") if "escaped" in path.name]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "STRANGER"}, "unknown-peer"),
        ({"title": "SECOND"}, "unknown-peer"),  # a peer's title from another peer's address
        ({"called": "ANOTHER"}, None),
    ],
)
def test_who_is_no_peer_is_rejected(tmp_path: Path, changes: dict[str, str], code: str | None) -> None:
    with receiving(tmp_path) as (receiver, inbox, port):
        association = call(port, **changes)  # type: ignore[arg-type]
        assert association.is_rejected and not association.is_established
        assert receiver.counts() == ({code: 1} if code else {})
        good = call(port)
        assert good.send_c_store(small_dataset()).Status == 0
        good.release()


def test_another_address_is_not_even_read(tmp_path: Path) -> None:
    with receiving(tmp_path) as (receiver, _, port):
        stranger = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.3", 0), timeout=10)
        with stranger:
            assert stranger.recv(1) == b""
        assert receiver.counts() == {"unknown-address": 1}


def test_a_peer_that_stalls_holds_up_nobody_and_is_cut_off(tmp_path: Path) -> None:
    """One says nothing, one stops within a PDU, one floods with connections; the other peer is served."""
    with receiving(tmp_path, idle_s=2, associations=2) as (receiver, inbox, port):
        silent = socket.create_connection(("127.0.0.1", port), timeout=20)
        within = socket.create_connection(("127.0.0.1", port), timeout=20)
        within.sendall(struct.pack(">BBL", 1, 0, 200) + b"\0")
        wait_until(lambda: _one_more_is_refused(port), seconds=10, what="the bound on associations")
        other = call(port, title="SECOND", source="127.0.0.2")
        assert other.send_c_store(small_dataset()).Status == 0
        other.release()
        for stalled in (silent, within):
            with stalled:
                while stalled.recv(100):  # an A-ABORT, then the end
                    pass
        wait_until(lambda: _is_let_in(port), seconds=20, what="the first peer's place")
        counts = receiver.counts()
        assert counts["stalled"] == 1 and counts["too-many-associations"] >= 1 and stored(inbox) == 1


def test_an_association_without_a_word_is_ended(tmp_path: Path) -> None:
    with receiving(tmp_path, idle_s=1, associations=1) as (_, _, port):
        association = call(port)
        assert association.is_established and not _is_let_in(port)
        wait_until(lambda: association.is_aborted, seconds=20, what="the end of the association")
        wait_until(lambda: _is_let_in(port), seconds=20, what="its place")


def _one_more_is_refused(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as more:
        try:
            return more.recv(1) == b""
        except TimeoutError:
            return False


def _is_let_in(port: int) -> bool:
    association = call(port)
    if association.is_established:
        association.release()
    return bool(association.is_released)


def test_an_oversized_object_ends_its_association_and_nothing_else(tmp_path: Path) -> None:
    with receiving(tmp_path, max_object_mb=0.5) as (receiver, inbox, port):
        association = call(port)
        large = small_dataset(Rows=2000, Columns=2000, PixelData=bytes(8_000_000))
        status = association.send_c_store(large)
        assert status.get("Status") is None
        good = call(port)
        assert good.send_c_store(small_dataset(1)).Status == 0
        good.release()
        assert receiver.counts() == {"kept": 1, "object-too-large": 1} and stored(inbox) == 1
        assert not list(inbox.incoming.iterdir())


def test_a_pdu_that_claims_to_be_endless_is_not_read(tmp_path: Path) -> None:
    with receiving(tmp_path) as (receiver, _, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
            peer.sendall(struct.pack(">BBL", 1, 0, 0xFFFFFFFF))
            assert peer.recv(10) == b""
        assert receiver.counts() == {"pdu-too-large": 1}


def test_a_disk_that_is_nearly_full_takes_nothing(tmp_path: Path) -> None:
    with receiving(tmp_path, min_free_gb=1e9) as (receiver, inbox, port):
        association = call(port)
        assert association.send_c_store(small_dataset()).Status == 0xA700
        association.release()
        assert receiver.counts() == {"disk-full": 1} and stored(inbox) == 0
        assert not list(inbox.incoming.iterdir())


def test_any_reason_without_an_answer_of_its_own_is_not_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> str:
        raise NotKeptError("broken-header")

    monkeypatch.setattr(module.Inbox, "take", refuses)
    with receiving(tmp_path) as (_, _, port):
        association = call(port)
        assert association.send_c_store(small_dataset()).Status == 0xC000
        association.release()
