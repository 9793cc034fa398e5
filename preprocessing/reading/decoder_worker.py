"""The process that decodes compressed frames for `decoding`, one after the other, from stdin to stdout."""

import os
import resource
import sys
from typing import BinaryIO

from preprocessing.reading.decoding import ANSWER, HEADER
from preprocessing.reading.encapsulation import decode_frame
from preprocessing.reading.refusals import FileRefusedError

_MEMORY_BYTES = 2 << 30  # of addresses; libraries and threads reserve some without using it


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request until `requests` ends."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        syntax, rows, columns, kind, length = HEADER.unpack(header)
        data = requests.read(length)
        try:
            words = decode_frame(
                data, syntax.rstrip(b"\0").decode(), rows, columns, kind >> 1, bool(kind & 1)
            )
            content = words.tobytes()
            answers.write(ANSWER.pack(b"", len(content)) + content)
        except FileRefusedError as refusal:
            detail = refusal.detail.encode()
            answers.write(ANSWER.pack(refusal.code.encode(), len(detail)) + detail)
        answers.flush()


def main() -> None:
    """Serve on stdin and stdout, which no library can write to."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
