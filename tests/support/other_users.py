"""Processes of other users, where Python and the checkout may lie in folders of root's alone."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.processes import ROOT

STAGE = "/mnt"
"""A folder that exists; what is mounted there is seen by the command alone."""


def reachable_by_all() -> list[str]:
    """The start of a command that sees this Python and this checkout where every user may go.

    A mount namespace, in which each closed folder above them is replaced by an open one that holds only them.
    Skips where that is not permitted.
    """
    needed = [Path(sys.base_prefix), Path(sys.prefix), ROOT]
    lines = [f"mount -t tmpfs none {STAGE}"]
    for number, folder in enumerate(needed):
        lines += [f"mkdir {STAGE}/{number}", f"mount --bind {shlex.quote(str(folder))} {STAGE}/{number}"]
    for closed in {_closed_above(folder) for folder in needed} - {None}:
        lines.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(closed))}")
    for number, folder in enumerate(needed):
        if _closed_above(folder) is not None:
            place = shlex.quote(str(folder))
            lines += [f"mkdir -p {place}", f"mount --bind {STAGE}/{number} {place}"]
    prefix = ["unshare", "-m", "sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh"]
    if os.geteuid() != 0 or subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    return prefix


def run_as(uid: int, gid: int, command: Sequence[str], prefix: Sequence[str]) -> subprocess.CompletedProcess:
    """Run the command to its end as that user, after `prefix`, which is run as root."""
    start = "import subprocess, sys; u, g, *c = sys.argv[1:]\n"
    start += "raise SystemExit(subprocess.run(c, user=int(u), group=int(g), extra_groups=[]).returncode)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}
    return subprocess.run(
        [*prefix, sys.executable, "-c", start, str(uid), str(gid), *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def _closed_above(folder: Path) -> Path | None:
    """The highest folder above it that others may not enter."""
    closed = [parent for parent in reversed(folder.parents) if not parent.stat().st_mode & 0o001]
    return closed[0] if closed else None
