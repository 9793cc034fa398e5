"""Results by C-STORE: delivered only if the PACS answers success for each."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydicom.uid import CTImageStorage, MRImageStorage
from pynetdicom import AE, evt

from client.pacs.c_store import send_by_c_store
from client.pacs.delivery_errors import RefusedError, UnreachableError
from client.pacs.pacs_settings import CStoreSettings
from tests.support.orthanc import free_port
from tests.support.pacs import small_dataset

OBJECTS = [small_dataset(number) for number in range(3)]


def settings(port: int, called: str = "PACS") -> CStoreSettings:
    return CStoreSettings(called_ae_title=called, address="127.0.0.1", port=port, timeout_s=10)


@contextmanager
def pacs(
    statuses: list[int], sop_class: str = CTImageStorage, *, busy: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """One that answers the objects in turn with `statuses`; its port and the UIDs that it was sent.

    busy: it has as many associations as it can.
    """
    port, sent, left = free_port(), list[str](), list(statuses)

    def store(event: evt.Event) -> int:
        sent.append(str(event.request.AffectedSOPInstanceUID))  # type: ignore[union-attr]
        return left.pop(0)

    ae = AE(ae_title="PACS")
    ae.require_called_aet = True
    ae.add_supported_context(sop_class)
    if busy:
        ae._maximum_associations = 0
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    assert server is not None
    try:
        yield port, sent
    finally:
        server.shutdown()


def test_all_are_sent_and_a_warning_is_a_success() -> None:
    with pacs([0x0000, 0xB000, 0x0000]) as (port, sent):
        send_by_c_store(OBJECTS, settings(port))
        assert sent == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]


def test_one_that_is_not_taken_is_a_refusal() -> None:
    with pacs([0x0000, 0xA700, 0x0000]) as (port, _), pytest.raises(RefusedError, match="refused-a700"):
        send_by_c_store(OBJECTS, settings(port))


def test_a_class_that_the_pacs_does_not_know_is_a_refusal() -> None:
    with pacs([], MRImageStorage) as (port, _), pytest.raises(RefusedError, match="class-refused"):
        send_by_c_store(OBJECTS, settings(port))


def test_some_classes_that_the_pacs_does_not_know_are_a_refusal() -> None:
    other = small_dataset(9, SOPClassUID=MRImageStorage)
    with pacs([0x0000]) as (port, _), pytest.raises(RefusedError, match="class-refused"):
        send_by_c_store([OBJECTS[0], other], settings(port))


def test_another_name_is_rejected() -> None:
    with pacs([]) as (port, _):
        for _ in range(10):
            with pytest.raises(RefusedError, match="rejected"):
                send_by_c_store(OBJECTS, settings(port, "ANOTHER"))


def test_a_rejection_for_now_is_no_refusal() -> None:
    with pacs([], busy=True) as (port, _), pytest.raises(UnreachableError, match="busy"):
        send_by_c_store(OBJECTS, settings(port))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_there_is_no_refusal() -> None:
    with pytest.raises(UnreachableError):
        send_by_c_store(OBJECTS, settings(free_port()))
    nowhere = CStoreSettings(called_ae_title="PACS", address="pacs.invalid", port=104, timeout_s=5)
    with pytest.raises(UnreachableError):
        send_by_c_store(OBJECTS, nowhere)
    gc.collect()  # pynetdicom leaves the socket open
