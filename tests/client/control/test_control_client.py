"""What people at the page read of a trainer's errors."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from client.control.control_client import WORDS, ControlClient
from client.wire import control_pb2 as pb
from client.wire.control_pb2_grpc import ControlServicer, add_ControlServicer_to_server
from shared_model.errors import PneumofedError


class Scripted(ControlServicer):
    """Ends every overview with `code`, or gives `text`."""

    def __init__(self, code: str = "", text: str = "") -> None:
        self.code, self.text = code, text

    def Overview(self, request, context):  # noqa: N802
        if self.code:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.code)
        return pb.Document(json=self.text)


@contextmanager
def served(folder: Path, servicer: ControlServicer) -> Iterator[ControlClient]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_ControlServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{folder}/c.sock")
    server.start()
    try:
        yield ControlClient(folder / "c.sock")
    finally:
        server.stop(grace=None).wait()


def refused(client: ControlClient) -> PneumofedError:
    with pytest.raises(PneumofedError) as caught:
        client.overview()
    return caught.value


@pytest.mark.parametrize("code", sorted(set(WORDS) - {"trainer-unreachable"}))
def test_a_known_code_is_a_sentence_with_a_remedy(tmp_path: Path, code: str) -> None:
    with served(tmp_path, Scripted(code)) as client:
        error = refused(client)
    assert (error.code, str(error)) == (code, WORDS[code])


def test_another_code_names_the_log_and_what_is_none_is_not_shown(tmp_path: Path) -> None:
    with served(tmp_path, Scripted("state-damaged")) as client:
        assert str(refused(client)) == "state-damaged: the trainer's log says where"
    with served(tmp_path, Scripted("<script>alert(1)</script>")) as client:
        assert refused(client).code == "internal-error"


def test_another_document_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, Scripted(text='{"name": "north"}')) as client:
        assert refused(client).code == "control-unreadable"


def test_a_trainer_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(ControlClient(tmp_path / "none.sock")).code == "trainer-unreachable"
