"""Results to the PACS by C-STORE (PS3.4 B), verified by the status of each response."""

from collections.abc import Sequence

from pydicom.dataset import FileDataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ

from client.pacs.delivery_errors import RefusedError, UnreachableError
from client.pacs.pacs_settings import CStoreSettings

_STORED = (0x0000, 0xB000, 0xB006, 0xB007)  # success, and stored with a warning (PS3.4 B.2.3)
_TRANSIENT = 2  # result of a rejection that may be none later (PS3.8 9.3.4)


def send_by_c_store(objects: Sequence[FileDataset], settings: CStoreSettings) -> None:
    """Store all `objects`, over one association.

    Raises UnreachableError `unreachable` or `busy`; RefusedError `rejected`, `class-refused`,
    `connection-lost` or `refused-XXXX` with the status of the first object that was not taken.
    """
    association = _associate(objects, settings)
    try:
        for one in objects:
            _send(association, one)
    finally:
        if association.is_established:
            association.release()


def _associate(objects: Sequence[FileDataset], settings: CStoreSettings) -> Association:
    ae = AE(ae_title=settings.ae_title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = settings.timeout_s
    for sop_class, syntax in sorted({(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in objects}):
        ae.add_requested_context(sop_class, syntax)
    rejections: list[int] = []
    try:
        association = ae.associate(
            settings.address,
            settings.port,
            ae_title=settings.called_ae_title,
            # Association.is_rejected is not set if the peer closes the connection at once.
            evt_handlers=[(evt.EVT_PDU_RECV, lambda event: _note_rejection(event.pdu, rejections))],
        )
    except OSError:  # a name that nobody knows
        raise UnreachableError("unreachable") from None
    if rejections:
        raise UnreachableError("busy") if rejections == [_TRANSIENT] else RefusedError("rejected")
    if not association.is_established and association.rejected_contexts:
        raise RefusedError("class-refused")
    if not association.is_established:
        raise UnreachableError("unreachable")
    return association


def _note_rejection(pdu: object, rejections: list[int]) -> None:
    if isinstance(pdu, A_ASSOCIATE_RJ):
        rejections.append(int(pdu.result or 0))


def _send(association: Association, one: FileDataset) -> None:
    try:
        response = association.send_c_store(one)
    except ValueError:  # no presentation context was accepted for it
        raise RefusedError("class-refused") from None
    except RuntimeError:  # the association has ended
        raise RefusedError("connection-lost") from None
    status = response.get("Status")
    if status is None:
        raise RefusedError("connection-lost")
    if status not in _STORED:
        raise RefusedError(f"refused-{status:04x}")
