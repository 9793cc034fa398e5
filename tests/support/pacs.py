"""pacs.toml for tests, the processes that read it, and a model for them."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association

from client.pacs.inbox import Inbox
from client.pacs.pacs_settings import PacsSettings, Peer, load_pacs_settings
from client.pacs.receiver import Receiver
from shared_model.saved_model import save_model
from tests.support.diagnosed_scans import PATIENT, card
from tests.support.initial_weights import initial_weights
from tests.support.orthanc import free_port
from tests.support.processes import pneumofed, running, wait_until

_TABLES = """\
device = "cpu"
[listen]
address = "127.0.0.1"
port = {port}
quiet_s = {quiet_s}
idle_s = {idle_s}
max_object_mb = {max_object_mb}
min_free_gb = 0
[[listen.peers]]
ae_title = "ORTHANC"
address = "127.0.0.1"
[c_store]
called_ae_title = "ORTHANC"
address = "127.0.0.1"
port = {dicom}
timeout_s = 10
[dicomweb]
url = "http://127.0.0.1:{http}/dicom-web"
timeout_s = 20
[deliver]
method = "{method}"
attempts = 3
first_pause_s = {pause_s}
longest_pause_s = {pause_s}
"""


def write_settings(
    folder: Path,
    *,
    port: int = 11112,
    dicom: int = 4242,
    http: int = 8042,
    method: str = "c-store",
    quiet_s: float = 1,
    idle_s: float = 5,
    max_object_mb: float = 8,
    pause_s: float = 0.2,
) -> Path:
    """pacs.toml in `folder`, all on loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pacs.toml"
    path.write_text(
        _TABLES.format(
            port=port, dicom=dicom, http=http, method=method, quiet_s=quiet_s, idle_s=idle_s,
            max_object_mb=max_object_mb, pause_s=pause_s,
        )
    )  # fmt: skip
    return path


def settings_in(folder: Path, **changes: object) -> PacsSettings:
    """The same, read."""
    return load_pacs_settings(write_settings(folder, **changes))  # type: ignore[arg-type]


def write_model(folder: Path) -> None:
    """A small model that was never trained."""
    save_model(folder, initial_weights(card().study), card())


@contextmanager
def listening(pacs: Path) -> Iterator[None]:
    """`hospital listen` as a process, from when it accepts connections."""
    log = pacs.parent / "listen.log"
    said = log.read_text().count("listening on port") if log.exists() else 0
    with running(pneumofed("hospital", "listen", "--pacs", pacs), log):
        wait_until(
            lambda: log.exists() and log.read_text().count("listening on port") > said,
            seconds=60,
            what="the receiver",
        )
        yield


def image(folder: Path, name: str = "image", *, number: int = 0, **tags: object) -> Path:
    """A CT image of 4 x 4 pixels in a file of its own; `number` tells images of a series apart."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    data = small_dataset(number, **tags)
    data.save_as(path, enforce_file_format=True)
    return path


def small_dataset(number: int = 0, **tags: object) -> FileDataset:
    """The dataset of `image`; a tag of None is left out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    values: dict[str, object] = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": f"1.2.3.{number}", "Modality": "CT", **PATIENT,
        "Rows": 4, "Columns": 4, "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "SamplesPerPixel": 1,
        "PixelRepresentation": 0, "PhotometricInterpretation": "MONOCHROME2", "PixelData": bytes(32), **tags,
    }  # fmt: skip
    for keyword, value in values.items():
        if value is not None:
            setattr(data, keyword, value)
    meta.MediaStorageSOPClassUID = data.get("SOPClassUID")
    meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID")
    return data


@contextmanager
def receiving(folder: Path, **changes: object) -> Iterator[tuple[Receiver, Inbox, int]]:
    """A receiver in this process, its inbox and port. Peers: ORTHANC at 127.0.0.1, SECOND at 127.0.0.2."""
    settings = settings_in(folder, port=free_port())
    assert settings.listen is not None
    peers = (*settings.listen.peers, Peer(ae_title="SECOND", address="127.0.0.2"))
    listen = settings.listen.model_copy(update={"peers": peers, "address": "0.0.0.0", **changes})
    inbox = Inbox(settings.inbox)
    receiver = Receiver(listen, inbox)
    with receiver.serving():
        yield receiver, inbox, listen.port


def call(
    port: int, *, title: str = "ORTHANC", called: str = "PNEUMOFED", source: str = "127.0.0.1",
    classes: tuple[str, ...] = (CTImageStorage, "1.2.840.10008.1.1"),
) -> Association:  # fmt: skip
    """An association as a peer asks for it, established or not."""
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    for one in classes:
        ae.add_requested_context(one, ExplicitVRLittleEndian)
    return ae.associate(
        "127.0.0.1",
        port,
        ae_title=called,
        bind_address=(source, 0),
        evt_handlers=[(evt.EVT_CONN_OPEN, _close_with_association)],
    )


def _close_with_association(event: Any) -> None:
    """pynetdicom leaves the socket open if the peer was the first to close it."""
    weakref.finalize(event.assoc, event.assoc.dul.socket.socket.close)


def write_results(study: Path, uid: str = "1.9") -> Path:
    """What `hospital diagnose` leaves of a study, with objects of a few bytes whose UIDs begin with `uid`."""
    names = ("segmentation.dcm", "label-map.dcm", "report.dcm", "picture-01.dcm", "picture-02.dcm")
    for number, name in enumerate(names):
        image(study / "dicom", name, SOPInstanceUID=f"{uid}.{number}")
    (study / "diagnosis.json").write_text("{}")
    return study
