"""A DICOMweb client whose answers are bounded in size and time (PS3.18)."""

import time
from collections.abc import Sequence
from typing import Any

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom.dataset import FileDataset
from requests.adapters import HTTPAdapter

from client.pacs.delivery_errors import RefusedError, UnreachableError
from client.pacs.pacs_settings import DicomWebSettings
from shared_model.errors import PneumofedError

_PIECE = 1 << 16
_AWAY = (502, 503, 504)  # of a proxy before a PACS that is down


class AnswerTooLargeError(requests.RequestException):
    """An answer has more bytes than are allowed, or takes too long."""


class _BoundedAdapter(HTTPAdapter):
    """Reads an answer at once, and no more of it than `most_bytes`, within `timeout_s` for each object."""

    def __init__(self, most_bytes: int, timeout_s: float) -> None:
        self._most_bytes, self._timeout_s = most_bytes, timeout_s
        super().__init__()

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        """The response with its whole body, bounded in size and time."""
        response = super().send(request, **{**options, "stream": True, "timeout": self._timeout_s})
        body, deadline = bytearray(), time.monotonic() + 10 * self._timeout_s
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > self._most_bytes or time.monotonic() > deadline:
                response.close()
                raise AnswerTooLargeError
        response._content = bytes(body)
        return response


def dicomweb_client(settings: DicomWebSettings) -> DICOMwebClient:
    """Raises PneumofedError `password-missing` if the password's file cannot be read."""
    session = requests.Session()
    session.trust_env = False  # no proxy and no password from the environment
    session.max_redirects = 0
    if settings.ca is not None:
        session.verify = str(settings.ca)
    if settings.user is not None and settings.password_file is not None:
        try:
            session.auth = (settings.user, settings.password_file.read_text().strip())
        except OSError:
            raise PneumofedError(
                "password-missing", f"{settings.password_file}: cannot be read; name the password's file"
            ) from None
    adapter = _BoundedAdapter(round(settings.max_object_mb * (1 << 20)), settings.timeout_s)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    client = DICOMwebClient(settings.url, session=session, timeout=settings.timeout_s)
    client.set_http_retry_params(retry=False)
    return client


def send_by_stow(objects: Sequence[FileDataset], settings: DicomWebSettings) -> None:
    """Store all `objects` by STOW-RS (PS3.18 10.5), verified by the answer, which names what was stored.

    Raises UnreachableError `unreachable`; RefusedError `http-XXX` with the answer's status, `bad-answer`,
    `not-confirmed` if fewer are named than were sent.
    """
    client = dicomweb_client(settings)
    try:
        answer = client.store_instances(list(objects))
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in _AWAY:
            raise UnreachableError("unreachable") from None
        raise RefusedError(f"http-{status}") from None
    except (AnswerTooLargeError, requests.TooManyRedirects):
        raise RefusedError("bad-answer") from None
    except (requests.ConnectionError, requests.Timeout):
        raise UnreachableError("unreachable") from None
    except (requests.RequestException, ValueError, KeyError):
        raise RefusedError("bad-answer") from None
    stored = {str(one.ReferencedSOPInstanceUID) for one in answer.get("ReferencedSOPSequence", ())}
    if answer.get("FailedSOPSequence") or not {str(one.SOPInstanceUID) for one in objects} <= stored:
        raise RefusedError("not-confirmed")
