"""A page served on a free port, and a client of it that does what a browser does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from deploy.pages.page_app import PageApp
from tests.support.processes import wait_until


@contextmanager
def serving(pages: PageApp) -> Iterator[str]:
    """Serve `pages` in a thread until the block ends; its address, as http://127.0.0.1:PORT."""
    config = uvicorn.Config(pages.app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, seconds=20, what="the page's server")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        pages.ending.set()
        server.should_exit = True
        thread.join()


def stranger(address: str) -> httpx.Client:
    """Not logged in; tells the page's own origin, as a browser does; follows no redirect."""
    return httpx.Client(base_url=address, headers={"origin": address}, timeout=20)


@contextmanager
def logged_in(address: str, token: str) -> Iterator[httpx.Client]:
    """Logged in, and follows redirects."""
    with stranger(address) as client:
        assert client.get("/login", params={"token": token}).status_code == 303
        client.follow_redirects = True
        yield client
