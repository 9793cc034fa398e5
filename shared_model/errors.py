"""The one error that all of pneumofed raises on purpose, and the system's that have a code of ours."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What an OSError says of a disk, quota or file that can take no more: code `disk-full`."""


class PneumofedError(Exception):
    """A refusal with a stable code and one line for people: what is wrong, where, and the remedy.

    `code` is for machines and never changes meaning; `str(error)` is one line. Neither may name a
    patient, a UID, a date or the path of a scan when it can leave the hospital.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["PneumofedError"], tuple[str, str]]:
        # Exceptions cross process borders when work runs on all cores.
        return type(self), (self.code, str(self))
