"""Servers on loopback that take notices: SMTP (RFC 5321, as far as smtplib needs it) and HTTP."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class _Smtp(socketserver.StreamRequestHandler):
    """Takes mail and AUTH PLAIN; keeps envelope and text in the server's `received`."""

    def handle(self) -> None:
        self._say("220 sink")
        mail: dict[str, Any] = {"to": []}
        while line := self.rfile.readline().decode().strip():
            word = line.upper()
            if word.startswith("EHLO"):
                self._say("250-sink\r\n250 AUTH PLAIN")
            elif word.startswith("AUTH"):
                mail["auth"] = line.split()[-1]
                self._say("235 ok")
            elif word.startswith("MAIL"):
                mail["from"] = line.partition(":")[2].split()[0].strip("<>")
                self._say("250 ok")
            elif word.startswith("RCPT"):
                mail["to"].append(line.partition(":")[2].strip("<>"))
                self._say("250 ok")
            elif word == "DATA":
                self._say("354 go on")
                mail["text"] = b"".join(iter(self.rfile.readline, b".\r\n")).decode()
                self.server.received.append(mail)  # type: ignore[attr-defined]
                self._say("250 kept")
            else:
                self._say("221 bye" if word == "QUIT" else "502 unknown")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Http(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(500 if self.path == "/broken" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at what was received."""


@contextmanager
def smtp_sink() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Port, and the mails received so far: from, to, text, auth."""
    with socketserver.TCPServer(("127.0.0.1", 0), _Smtp) as server, _serving(server) as received:
        yield server.server_address[1], received


@contextmanager
def http_sink() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Port, and the JSON documents received so far; the path `/broken` answers 500."""
    with HTTPServer(("127.0.0.1", 0), _Http) as server, _serving(server) as received:
        yield server.server_address[1], received


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[list[dict[str, Any]]]:
    received: list[dict[str, Any]] = []
    server.received = received  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
