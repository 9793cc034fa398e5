"""Serves a page on this machine until it is interrupted."""

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from shared_model.errors import PneumofedError

ADDRESS = "127.0.0.1"


def serve_page(app: FastAPI, port: int, token: str, tell: Callable[[str], None]) -> None:
    """Serve `app` on 127.0.0.1 until SIGINT or SIGTERM; `tell` is given the address with the token.

    port: 0 for a free one. Raises PneumofedError `port-taken`.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
        except OSError:
            raise PneumofedError(
                "port-taken", f"{ADDRESS}:{port} is in use; choose another one with --port"
            ) from None
        listening.listen(128)
        tell(f"open http://{ADDRESS}:{listening.getsockname()[1]}/login?token={token}")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        uvicorn.Server(config).run(sockets=[listening])
