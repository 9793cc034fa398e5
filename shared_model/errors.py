"""The base class of errors that pneumofed raises, and the system errors that it gives a code."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""errno of an OSError for a full disk, quota or file: code `disk-full`."""


class PneumofedError(Exception):
    """An error with a stable code and a one-line message: what is wrong, where, and the remedy.

    `code` is for machines and never changes its meaning. If the error can leave the hospital, neither code
    nor message may contain a patient's name, a UID, a date or the path of a scan.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["PneumofedError"], tuple[str, str]]:
        # Exceptions are pickled when they cross from a worker process.
        return type(self), (self.code, str(self))
