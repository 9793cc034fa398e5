"""Whether files are the CT images of one study of one patient."""

import filecmp
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.pacs.received_image import NotKeptError, ReceivedImage, read_received
from client.reading_room.upload_refusals import upload_refused


@dataclass(frozen=True)
class FoundStudy:
    """images: each file by its SOPInstanceUID; not_kept: how many files are no CT images, by reason."""

    study_uid: str
    images: Mapping[str, Path]
    not_kept: Mapping[str, int]


def one_study(files: Iterable[Path], alive: Callable[[], None]) -> FoundStudy:
    """The study that the CT images among `files` are of. `alive` is called after each file.

    Raises PneumofedError `nested-archive`, `no-ct-images`, `several-patients`, `several-studies`,
    `conflicting-images`.
    """
    images: dict[str, Path] = {}
    headers: list[ReceivedImage] = []
    not_kept: Counter[str] = Counter()
    for file in files:
        try:
            header = read_received(file)
        except NotKeptError as reason:
            if reason.reason == "archive":
                raise upload_refused("nested-archive") from None
            not_kept[reason.reason] += 1
        else:
            headers.append(header)
            other = images.setdefault(header.instance_uid, file)
            if other is not file and not filecmp.cmp(file, other, shallow=False):
                raise upload_refused("conflicting-images")
        alive()
    if not headers:
        raise upload_refused("no-ct-images")
    if _are_of_several_patients(headers):
        raise upload_refused("several-patients")
    if len({one.study_uid for one in headers}) > 1:
        raise upload_refused("several-studies")
    return FoundStudy(headers[0].study_uid, images, dict(sorted(not_kept.items())))


def _are_of_several_patients(headers: Sequence[ReceivedImage]) -> bool:
    """By PatientID, or PatientName if none has one; and by birth date and sex, where these are given."""
    identities = {one.patient_id for one in headers}
    if identities == {""}:
        identities = {one.name for one in headers}
    births, sexes = ({getattr(one, what) for one in headers} - {""} for what in ("birth_date", "sex"))
    return max(len(identities), len(births), len(sexes)) > 1
