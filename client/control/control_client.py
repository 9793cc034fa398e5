"""The trainer across its control socket, as the hospital's page asks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from client.control.documents import (
    LONGEST_DOCUMENT,
    Document,
    Overview,
    Person,
    Records,
    StudyDocument,
    parsed,
)
from client.wire import control_pb2 as pb
from client.wire.control_pb2_grpc import ControlStub
from shared_model.errors import PneumofedError
from shared_model.protocol import INTERNAL_ERROR, is_code

ANSWER_S = 20.0
_OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 4 * LONGEST_DOCUMENT)]

UNREACHABLE = "trainer-unreachable"
WORDS = {
    UNREACHABLE: "the trainer does not answer at its control socket; see that it runs, and that this user is "
    "in its group",
    "study-unknown": "no such study waits here; look at the list of studies",
    "second-person-needed": "this person has approved already; a second person must approve, too",
    "other-subgroups": "a study that tells of other subgroups was approved before; both together can tell of "
    "single patients: ask for the same subgroups, or for none",
    "decision-invalid": "write a name and a reason, of at most 80 and 500 characters, on one line",
    "audit-damaged": "the audit log is not whole, so nothing is decided: tell the data protection officer",
    "disk-full": "the disk of the state folder is full; free some space",
}
"""What a code of the trainer means for people at the page."""


class ControlClient:
    """The trainer behind the control socket. Raises PneumofedError with its code, `trainer-unreachable`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def overview(self) -> Overview:
        """How the hospital stands."""
        with self._trainer() as trainer:
            reply = trainer.Overview(pb.OverviewRequest(), timeout=ANSWER_S)
        return _document(Overview, reply)

    def study(self, fingerprint: str) -> StudyDocument:
        """What people read before they decide on a study."""
        with self._trainer() as trainer:
            reply = trainer.Study(pb.StudyRequest(fingerprint=fingerprint), timeout=ANSWER_S)
        return _document(StudyDocument, reply)

    def records(self) -> Records:
        """The last rows of the audit log, and lines of the trainer's log."""
        with self._trainer() as trainer:
            reply = trainer.Records(pb.RecordsRequest(), timeout=ANSWER_S)
        return _document(Records, reply)

    def look(self) -> None:
        """Have machine and store looked at anew."""
        with self._trainer() as trainer:
            trainer.Look(pb.LookRequest(), timeout=ANSWER_S)

    def decide(self, fingerprint: str, person: Person, *, approve: bool) -> bool:
        """Decide on a study; False if a second person must approve it, too."""
        request = pb.DecideRequest(fingerprint=fingerprint, approve=approve, decider=_wire(person))
        with self._trainer() as trainer:
            return not trainer.Decide(request, timeout=ANSWER_S).waits_for_second

    def set_paused(self, person: Person, *, paused: bool) -> None:
        """Pause all tasks, or go on."""
        with self._trainer() as trainer:
            trainer.SetPaused(pb.SetPausedRequest(paused=paused, decider=_wire(person)), timeout=ANSWER_S)

    @contextmanager
    def _trainer(self) -> Iterator[ControlStub]:
        with grpc.insecure_channel(f"unix:{self._socket}", options=_OPTIONS) as channel:
            try:
                yield ControlStub(channel)
            except grpc.RpcError as error:
                raise _error_of(error) from None


def _document(kind: type[Document], reply: Any) -> Document:
    return parsed(kind, reply.json)


def _wire(person: Person) -> Any:
    return pb.Decider(name=person.name, reason=person.reason)


def _error_of(error: grpc.RpcError) -> PneumofedError:
    details = str(error.details())
    if error.code() == grpc.StatusCode.FAILED_PRECONDITION and is_code(details):
        code = details
    else:
        code = UNREACHABLE if error.code() == grpc.StatusCode.UNAVAILABLE else INTERNAL_ERROR
    return PneumofedError(code, WORDS.get(code, f"{code}: the trainer's log says where"))
