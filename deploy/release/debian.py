"""The system of an image: Debian with Python, made from Debian's own signed packages by mmdebstrap."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from shared_model.errors import PneumofedError

SUITE = "bookworm"
PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "usr-is-merged")
"""Wheels bring all libraries but C's and C++'s. usr-is-merged stands in for usrmerge, which needs Perl."""
_MERGED = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"

_LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")
_KEPT = "/usr/share/doc/*/copyright"


def make_system(path: Path, extra: Sequence[str] = ()) -> None:
    """Write the system as a tar file. Needs Debian's packages, from where this machine's apt finds them.

    Raises PneumofedError `mmdebstrap-missing`, `system-failed`.
    """
    if shutil.which("mmdebstrap") is None:
        raise PneumofedError("mmdebstrap-missing", "mmdebstrap is not installed; install Debian's package")
    command = [
        *("mmdebstrap", "--quiet", "--variant=essential", _MERGED),
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        f"--dpkgopt=path-include={_KEPT}",
        f"--include={','.join((*PACKAGES, *extra))}",
        *(SUITE, str(path)),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise PneumofedError("system-failed", f"mmdebstrap ended with {done.returncode}: {last}")
