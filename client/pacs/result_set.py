"""The DICOM results of one study, read as a whole while `hospital diagnose` may be writing."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError

from client.diagnosis.result_names import DICOM, DICOM_FILES, DOCUMENT, LABEL_MAP


@dataclass(frozen=True)
class ResultSet:
    """Of one diagnosis, the objects in the order in which they are sent. digest: SHA-256 of their SOP
    Instance UIDs, the same if the same diagnosis is made again.
    """

    objects: tuple[FileDataset, ...]
    digest: str


def studies_with_results(results: Path) -> Iterator[Path]:
    """The folder of each study that is diagnosed, sorted."""
    if results.is_dir():
        yield from sorted(one for one in results.iterdir() if (one / DOCUMENT).is_file())


def version(study: Path) -> int:
    """Changes whenever a study is diagnosed again; 0 while its results are being written."""
    try:
        return (study / DOCUMENT).stat().st_mtime_ns
    except OSError:
        return 0


def read_results(study: Path, *, label_map: bool) -> ResultSet | None:
    """The results in the folder `study`, None if they are incomplete or changed while they were read.

    The document is removed before and written after all others: if it stayed the same, so did they.
    """
    before = version(study)
    names = [name for name in DICOM_FILES if label_map or name != LABEL_MAP]
    try:
        pictures = sorted(path.name for path in (study / DICOM).glob("picture-[0-9][0-9].dcm"))
        objects = tuple(_read(study / DICOM / name) for name in (*names, *pictures))
    except (OSError, InvalidDicomError):
        return None
    if not before or version(study) != before:
        return None
    uids = "\n".join(str(one.SOPInstanceUID) for one in objects)
    return ResultSet(objects, hashlib.sha256(uids.encode()).hexdigest())


def _read(path: Path) -> FileDataset:
    return dcmread(io.BytesIO(path.read_bytes()))
