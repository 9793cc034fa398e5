"""Locks between real processes; the other side calls flock itself."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from select import select

import pytest

from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive, share_until_exit, shared
from tests.support.processes import ROOT

BUSY = PneumofedError("busy", "somebody has it; wait")

HOLDER = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(handle, getattr(fcntl, sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""

SHARER = """
import sys
from pathlib import Path
from shared_model.file_lock import share_until_exit
share_until_exit(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""

WAITER = """
import sys
from pathlib import Path
from shared_model.file_lock import exclusive
print("asks", flush=True)
with exclusive(Path(sys.argv[1])):
    print("has it", flush=True)
"""


@contextmanager
def process(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has said its first line; killed with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stdout is not None and started.stdout.readline() in ("held\n", "asks\n")
            yield started
        finally:
            started.kill()


@pytest.fixture(params=["file", "folder"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "held"
    path.touch() if request.param == "file" else path.mkdir()
    return path


def is_free(path: Path, kind: int) -> bool:
    """Whether another open of `path` gets the lock `kind` now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


@pytest.mark.parametrize("kind", ["LOCK_EX", "LOCK_SH"])
def test_what_another_process_holds_is_refused_until_that_is_killed(path: Path, kind: str) -> None:
    with process(HOLDER, path, kind) as holder:
        for wait_s in (0, 0.1):
            with (
                pytest.raises(PneumofedError) as caught,
                exclusive(path, create=False, refusal=BUSY, wait_s=wait_s),
            ):
                pytest.fail("two hold it")
            assert caught.value is BUSY
        holder.send_signal(signal.SIGKILL)
        with exclusive(path, create=False, refusal=BUSY, wait_s=30):
            assert not is_free(path, fcntl.LOCK_SH)


def test_the_lock_ends_with_the_block_also_by_an_error(path: Path) -> None:
    for error in (None, ValueError):
        try:
            with exclusive(path, create=False):
                assert not is_free(path, fcntl.LOCK_SH)
                if error is not None:
                    raise error
        except ValueError:
            pass
        assert is_free(path, fcntl.LOCK_EX)


def test_without_a_refusal_it_waits_for_its_turn(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with exclusive(tmp_path / "file"):
            waiter = stack.enter_context(process(WAITER, tmp_path / "file"))
            time.sleep(0.3)  # too short would only make this test weaker
            assert waiter.stdout is not None and select([waiter.stdout], [], [], 0)[0] == []
        assert waiter.stdout.readline() == "has it\n"


def test_several_share_and_nobody_holds_it_alone_meanwhile(path: Path) -> None:
    with shared(path):
        assert is_free(path, fcntl.LOCK_SH) and not is_free(path, fcntl.LOCK_EX)
        with process(HOLDER, path, "LOCK_SH"):
            assert not is_free(path, fcntl.LOCK_EX)
    assert is_free(path, fcntl.LOCK_EX)


def test_a_process_shares_until_it_ends(path: Path) -> None:
    with process(SHARER, path) as sharer:
        assert is_free(path, fcntl.LOCK_SH) and not is_free(path, fcntl.LOCK_EX)
        assert sharer.stdin is not None
        sharer.stdin.close()
        assert sharer.wait(30) == 0
    assert is_free(path, fcntl.LOCK_EX)


def test_a_missing_file_is_made_for_its_owner_alone_if_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for opening in (exclusive(path, create=False), shared(path)):
        with pytest.raises(FileNotFoundError), opening:
            pytest.fail("there is nothing to hold")
    with pytest.raises(FileNotFoundError):
        share_until_exit(path)
    before = os.umask(0)
    try:
        with exclusive(path) as handle:
            assert os.write(handle, b"mine") == 4
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes() == b"mine"
