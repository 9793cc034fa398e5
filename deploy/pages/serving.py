"""Serves a page on this machine until it is interrupted."""

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from deploy.pages.page_app import PageApp
from shared_model.errors import PneumofedError

ADDRESS = "127.0.0.1"


class PageServer(uvicorn.Server):
    """Ends the streams of the pages when it is asked to end, so that it does not wait for them."""

    def __init__(self, config: uvicorn.Config, pages: PageApp) -> None:
        super().__init__(config)
        self._pages = pages

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._pages.ending.set()
        super().handle_exit(sig, frame)


def serve_page(pages: PageApp, port: int, tell: Callable[[str], None], setting: str = "--port") -> None:
    """Serve `pages` on 127.0.0.1 until SIGINT or SIGTERM; `tell` is given the address to open.

    port: 0 for a free one. setting: by which people choose it. Raises PneumofedError `port-taken`.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
        except OSError:
            raise PneumofedError(
                "port-taken", f"{ADDRESS}:{port} is in use; choose another one with {setting}"
            ) from None
        listening.listen(128)
        tell(f"open http://{ADDRESS}:{listening.getsockname()[1]}{pages.login.address}")
        config = uvicorn.Config(
            pages.app,
            log_config=None,  # what the process says is logged as its command chose
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        PageServer(config, pages).run(sockets=[listening])
