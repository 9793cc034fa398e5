"""Users of the operating system: found by name or number, and what they may do with files."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from shared_model.errors import PneumofedError

_PROBE = "import os, sys; print(*(int(os.access(p, int(m))) for p, m in zip(sys.argv[1::2], sys.argv[2::2])))"


@dataclass(frozen=True)
class SystemUser:
    """A user and the user's first group; further groups are not taken along."""

    name: str
    uid: int
    gid: int

    @classmethod
    def find(cls, user: str | int) -> Self:
        """The user `user`; a number without an account has the group of that number.

        Raises PneumofedError `user-unknown`.
        """
        try:
            known = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
        except (KeyError, OverflowError):
            if isinstance(user, int) and 0 < user < 2**31:
                return cls(str(user), user, user)
            raise PneumofedError(
                "user-unknown", f"{user}: no such user here; add it or name another"
            ) from None
        return cls(known.pw_name, known.pw_uid, known.pw_gid)

    def rights(self) -> dict[str, Any]:
        """What subprocess.Popen takes to start a process as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, asked: Sequence[tuple[Path, int]]) -> list[bool]:
        """Whether the user has access to each path, by a mode of os.access; asked by a process of that user.

        Raises PneumofedError `user-unfit` if the user cannot run this Python.
        """
        words = [word for path, mode in asked for word in (str(path), str(mode))]
        command = [sys.executable, "-I", "-c", _PROBE, *words]
        try:
            done = subprocess.run(
                command, cwd="/", capture_output=True, text=True, check=True, **self.rights()
            )
        except (OSError, subprocess.CalledProcessError):
            raise PneumofedError(
                "user-unfit", f"{self.name} cannot run {sys.executable}; install pneumofed where it can"
            ) from None
        return [word == "1" for word in done.stdout.split()]

    def make_folder(self, path: Path, *, mode: int, gid: int | None = None) -> None:
        """Make a folder of this user's, and of the group `gid`; one that is there stays as it is."""
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            return
        os.chown(path, self.uid, self.gid if gid is None else gid)
        path.chmod(mode)
