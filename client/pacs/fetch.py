"""`hospital fetch`: takes studies from the PACS by DICOMweb (WADO-RS, PS3.18 10.4) into the inbox.

In place of a service that others call: what arrives is what this hospital asked for.
"""

import logging
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom.dataset import Dataset

from client.pacs.dicomweb import dicomweb_client
from client.pacs.inbox import Inbox
from client.pacs.pacs_settings import PacsSettings
from client.pacs.received_image import CT_CLASSES, NotKeptError
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed")

MOST_IMAGES = 10_000
"""Of one study; a whole-body CT in several reconstructions has some thousands."""
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class FetchedStudy:
    """kept, not_kept: how many of its CT images; code: why the study is not complete, "" if it is."""

    kept: int
    not_kept: int
    code: str = ""


def fetch_studies(settings: PacsSettings, study_uids: Iterable[str]) -> list[FetchedStudy]:
    """Fetch each of `study_uids` in turn and mark it as complete if all its CT images came.

    A study that fails does not stop the others. Raises PneumofedError `no-dicomweb` without the table
    [dicomweb], `password-missing`; OSError if the inbox cannot be written.
    """
    if settings.dicomweb is None:
        raise PneumofedError(
            "no-dicomweb", "pacs.toml: there is no table [dicomweb]; docs/pacs.md has an example"
        )
    client, inbox = dicomweb_client(settings.dicomweb), Inbox(settings.inbox)
    found = []
    for number, study_uid in enumerate(study_uids, start=1):
        found.append(_fetch(client, inbox, study_uid))
        one = found[-1]
        log.info("study %d: %d images, %d not kept %s", number, one.kept, one.not_kept, one.code)
    return found


def _fetch(client: DICOMwebClient, inbox: Inbox, study_uid: str) -> FetchedStudy:
    kept, not_kept, folder = 0, 0, ""
    if not _UID.fullmatch(study_uid):
        return FetchedStudy(0, 0, "bad-identifiers")
    try:
        images = _images(client, study_uid)
        if not images:
            return FetchedStudy(0, 0, "no-ct-images")
        for series_uid, image_uid in images:
            file = _retrieved(client, inbox, study_uid, series_uid, image_uid)
            try:
                folder = inbox.take(file, named=image_uid)
                kept += 1
            except NotKeptError:
                not_kept += 1
    except requests.RequestException:
        return FetchedStudy(kept, not_kept, "pacs-failed")
    except (ValueError, KeyError, AttributeError):  # of an answer that cannot be understood
        return FetchedStudy(kept, not_kept, "bad-answer")
    if not_kept:
        return FetchedStudy(kept, not_kept, "not-kept")
    inbox.mark_complete(folder)
    return FetchedStudy(kept, 0)


def _images(client: DICOMwebClient, study_uid: str) -> list[tuple[str, str]]:
    """SeriesInstanceUID and SOPInstanceUID of each CT image that the PACS has of the study."""
    answers = client.search_for_instances(study_uid, fields=["SOPClassUID"], limit=MOST_IMAGES)
    datasets = [Dataset.from_json(one) for one in answers]
    return [
        (str(one.SeriesInstanceUID), str(one.SOPInstanceUID))
        for one in datasets
        if one.SOPClassUID in CT_CLASSES
    ]


def _retrieved(client: DICOMwebClient, inbox: Inbox, study_uid: str, series_uid: str, image_uid: str) -> Path:
    """The image as a file in the inbox's folder for what is being received."""
    image = client.retrieve_instance(study_uid, series_uid, image_uid)
    if image.StudyInstanceUID != study_uid:
        raise ValueError("an image of another study")
    path = inbox.incoming / f"fetched-{secrets.token_hex(8)}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as file:
        image.save_as(file, enforce_file_format=True)
    return path
