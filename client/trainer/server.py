"""The resident trainer: the service on its Unix socket, with gRPC's standard health service."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from client.hospital_settings import HospitalSettings
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.job_runner import JobRunner
from client.trainer.service import TrainerService
from client.trainer.worker import MakeSite
from client.wire.trainer_pb2_grpc import add_TrainerServicer_to_server
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive

SERVICE = "pneumofed.trainer.v1.Trainer"
_THREADS = 8  # one job works at a time; the others are cancelled, refused or asked after health
_SOCKET_UMASK = 0o117  # user and group may connect


@contextmanager
def serving(hospital: HospitalSettings, open_site: MakeSite) -> Iterator[None]:
    """The service, with studies opened by `open_site`, for as long as the block runs.

    Raises PneumofedError `trainer-running`, `socket-unusable`.
    """
    hospital.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    hospital.socket.parent.mkdir(parents=True, exist_ok=True)
    running = PneumofedError("trainer-running", "a trainer runs here already; stop it first")
    with exclusive(hospital.state / "trainer.lock", refusal=running):
        audit, runner = AuditLog(hospital.state), JobRunner(open_site)
        approvals = Approvals(hospital.state, hospital.limits.count_floor)
        limit_s = 60 * hospital.limits.task_minutes
        service = TrainerService(runner, approvals, audit, hospital.role, job_limit_s=limit_s)
        server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 0)])
        add_TrainerServicer_to_server(service, server)
        answering = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(answering, server)
        audit.write("trainer started")
        listen(server, hospital.socket)
        for name in ("", SERVICE):
            answering.set(name, health_pb2.HealthCheckResponse.SERVING)
        runner.start()
        try:
            yield
        finally:
            answering.enter_graceful_shutdown()
            runner.close()
            server.stop(grace=1).wait()
            audit.write("trainer stopped")
            hospital.socket.unlink(missing_ok=True)


def listen(server: grpc.Server, socket: Path) -> None:
    """Start the server on a Unix socket that user and group may open. Raises `socket-unusable`."""
    before = os.umask(_SOCKET_UMASK)
    try:
        server.add_insecure_port(f"unix:{socket}")
        server.start()
    except RuntimeError:
        raise PneumofedError(
            "socket-unusable", f"{socket}: cannot listen here; check folder and rights"
        ) from None
    finally:
        os.umask(before)
