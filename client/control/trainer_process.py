"""The trainer's process: the service for the node and, on a socket of its own, the one for the page."""

import logging
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import grpc

from client.control.control_service import ControlService
from client.control.look import Looker, look_at
from client.control.recent_lines import RecentLines
from client.hospital_settings import HospitalSettings
from client.trainer.server import listen, serving
from client.trainer.site_factory import SiteFactory
from client.wire.control_pb2_grpc import add_ControlServicer_to_server
from shared_model.errors import PneumofedError

log = logging.getLogger("pneumofed.trainer")

FOLDER_MODE = 0o750
"""Of the control socket's folder: the trainer's group may enter it, which the node's user is not in."""

_THREADS = 4


def run_trainer(hospital: HospitalSettings, lines: RecentLines) -> None:
    """Serve both sockets until SIGTERM or SIGINT. Raises PneumofedError as `serving` does.

    lines: the handler that keeps this process's log lines.
    """
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    limits = hospital.limits
    open_site = SiteFactory(
        hospital.store, hospital.state, hospital.role, hospital.device, limits.count_floor, limits.threads
    )
    looker = Looker(partial(look_at, hospital))
    with serving(hospital, open_site), serving_control(hospital, looker, lines):
        ending.wait()


@contextmanager
def serving_control(hospital: HospitalSettings, looker: Looker, lines: RecentLines) -> Iterator[None]:
    """The page's service for as long as the block runs; without it where it cannot listen."""
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
    add_ControlServicer_to_server(ControlService(hospital, looker, lines), server)
    listens = _listen(server, hospital.control)
    try:
        yield
    finally:
        server.stop(grace=1).wait()
        looker.close()
        if listens:
            hospital.control.unlink(missing_ok=True)


def _listen(server: grpc.Server, socket: Path) -> bool:
    """Whether the socket could be made: a unit or compose file from before there was a page has no folder."""
    try:
        socket.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        listen(server, socket)
    except (OSError, PneumofedError):
        log.warning("no page: this user cannot listen in the control socket's folder; see docs/hospital.md")
        return False
    return True
