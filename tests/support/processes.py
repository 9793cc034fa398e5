"""Real processes for tests: started, waited for by a condition with a deadline, ended by their own id."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def wait_until(condition: Callable[[], object], *, seconds: float, what: str = "the condition") -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s"
        time.sleep(0.05)


def pneumofed(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "deploy.commands", *map(str, arguments)]


def unmeasured_environment() -> dict[str, str]:
    """This process's environment, for one that may not write its coverage when it ends."""
    return {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}


def _hear_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore SIGINT, and so all that those tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(
    command: Sequence[str], log: Path, *, prefix: Sequence[str] = (), seconds_to_end: float = 20
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, its output in `log`; asked to end with the block, killed with its group if it does not."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*prefix, *command],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_hear_ctrl_c,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds_to_end)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
