"""Decodes compressed frames in a process of its own, with limits of memory and time.

Decoders are C libraries that a damaged file can crash or make loop. Whatever happens there is a refusal of
that file, and the next frame gets a new process. See docs/decisions/0061.
"""

import atexit
import os
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.refusals import FILE_REFUSALS, FileRefusedError

_ROOT = Path(__file__).resolve().parents[2]
_WORKER = "preprocessing.reading.decoder_worker"
MAX_FRAME_S = 60.0  # the largest frame takes two seconds
HEADER = struct.Struct("<32s4L")  # transfer syntax, rows, columns, BitsStored and sign, length of the data
ANSWER = struct.Struct("<32sL")  # a refusal's code or nothing, length of detail or of the words


class _Decoder:
    """A worker process; used by one thread at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _WORKER],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        if self._process.stdin is not None:
            os.set_blocking(
                self._process.stdin.fileno(), False
            )  # so that a worker that reads nothing cannot hang us

    def ask(self, request: bytes, limit_s: float) -> tuple[str, bytes]:
        """(code of a refusal or "", detail or words). Raises EOFError if the process died or is too slow."""
        deadline = time.monotonic() + limit_s
        try:
            self._send(request, deadline)
            code, length = ANSWER.unpack(self._receive(ANSWER.size, deadline))
            return code.rstrip(b"\0").decode(), bytes(self._receive(length, deadline))
        except (OSError, struct.error, UnicodeDecodeError):
            raise EOFError from None

    def _send(self, request: bytes, deadline: float) -> None:
        stream, view = self._process.stdin, memoryview(request)
        while stream is not None and view:
            self._wait([], [stream], deadline)
            view = view[os.write(stream.fileno(), view) :]

    def _receive(self, length: int, deadline: float) -> bytearray:
        stream, found = self._process.stdout, bytearray()
        while stream is not None and len(found) < length:
            self._wait([stream], [], deadline)
            part = os.read(stream.fileno(), length - len(found))
            if not part:
                raise EOFError
            found += part
        return found

    def _wait(self, readable: list[IO[bytes]], writable: list[IO[bytes]], deadline: float) -> None:
        ready = select.select(readable, writable, [], max(0.0, deadline - time.monotonic()))
        if not any(ready):
            raise EOFError

    def end(self) -> None:
        """End the process and close its pipes."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


_lock = threading.Lock()
_decoder: list[_Decoder] = []  # none or one


def decode_apart(
    data: bytes, syntax: str, rows: int, columns: int, bits_stored: int, signed: bool,
    *, limit_s: float = MAX_FRAME_S,
) -> NDArray[np.uint16]:  # fmt: skip
    """Decode one compressed frame to its stored 16-bit words, uint16 [row, column], in the worker process.

    Raises FileRefusedError as encapsulation.decode_frame does, and `unreadable-pixels` if the decoder died or
    took longer than `limit_s`.
    """
    request = HEADER.pack(syntax.encode()[:32], rows, columns, bits_stored << 1 | signed, len(data)) + data
    with _lock:
        if _decoder and _decoder[0].owner != os.getpid():  # of the process that this one was forked from
            _decoder.clear()
        if not _decoder:
            _decoder.append(_Decoder())
        try:
            code, answer = _decoder[0].ask(request, limit_s)
        except EOFError:
            _end()
            raise FileRefusedError("unreadable-pixels", "the decoder failed on it") from None
    if code:
        detail = answer.decode("utf-8", "replace")
        raise FileRefusedError(code if code in FILE_REFUSALS else "unreadable-pixels", detail)
    if len(answer) != 2 * rows * columns:
        raise FileRefusedError("unreadable-pixels")
    return np.frombuffer(answer, np.uint16).reshape(rows, columns)


@atexit.register
def _end() -> None:
    for one in _decoder:
        if one.owner == os.getpid():
            one.end()
    _decoder.clear()
