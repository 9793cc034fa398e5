"""Flower's executor with apps that start at once (docs/decisions/0088).

Flower's own executor starts a program for every message and every run, which imports Flower, gRPC and numpy
each time. Here a process without threads has imported MODULE, and a fork of it calls MODULE.run.
"""

import os
import sys
from importlib import import_module
from multiprocessing import active_children, forkserver, get_context
from pathlib import Path

from flwr.supercore.superexec.executor import ExecutionSpec, LaunchResult, SubprocessExecutor

from deploy.flower_words import EXECUTOR, FlowerWords
from deploy.logs import log_flower, log_to_stderr
from deploy.loopback import show_certificate


class ForkExecutor(SubprocessExecutor):
    """Flower's executor for processes on this machine, which starts them by fork."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload([module, "deploy.executor"])
        forkserver.ensure_running()  # it imports while nobody waits

    def launch(self, spec: ExecutionSpec) -> LaunchResult:
        """Fork the process; it ends by itself if this one is killed."""
        self._context.Process(target=_run, args=(self._module, spec)).start()
        return LaunchResult.accepted()

    def reconcile(self) -> None:
        """Reap processes that have ended."""
        active_children()

    def close(self) -> None:
        """End the processes that run; otherwise this one would wait for them at its end."""
        for process in active_children():
            process.terminate()


def _run(module: str, spec: ExecutionSpec) -> None:
    if spec.suppress_output:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
    log_to_stderr()
    log_flower(FlowerWords(EXECUTOR))
    know_server(spec.root_certificates_path)
    import_module(module).run(spec)


def know_server(certificate: str | None) -> None:
    """Show the server on loopback the certificate that it shows; None: a server without TLS."""
    if certificate is not None:
        show_certificate(Path(certificate), trusted=Path(certificate))
