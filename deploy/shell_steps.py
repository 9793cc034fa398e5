"""What an installation does on a machine, as shell commands that are printed or executed by root."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared_model.errors import PneumofedError

UNIT_FOLDER = Path("/etc/systemd/system")
_NO_SHELL = "/usr/sbin/nologin"
_END = "END-OF-UNIT"
_PATH = {"PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])}


@dataclass(frozen=True)
class Step:
    """words: what it is for; shell: the command, which may be repeated."""

    words: str
    shell: str


RELOAD = Step("systemd reads them", "[ ! -d /run/systemd/system ] || systemctl daemon-reload")


def make_user(user: str, home: Path) -> Step:
    """A system user with a group of its name and no shell, unless it is there."""
    add = command("useradd", "--system", "--user-group", "--no-create-home")
    add += " " + command("--home-dir", home, "--shell", _NO_SHELL, user)
    return Step(f"The user {user}", f"{command('id', user)} >/dev/null 2>&1 || {add}")


def write_unit(name: str, text: str) -> Step:
    """A unit of systemd."""
    write = f"cat >{shlex.quote(str(UNIT_FOLDER / name))} <<'{_END}'\n{text}{_END}"
    return Step(f"The unit {name}", write)


def command(*words: str | Path) -> str:
    """A command whose words are quoted where the shell needs it."""
    return shlex.join(str(word) for word in words)


def script(title: str, steps: Iterable[Step], start: str) -> str:
    """All steps as one script, for root. start: the command that starts what was installed."""
    body = "".join(f"\n# {step.words}\n{step.shell}\n" for step in steps)
    return f"#!/bin/sh\n# {title}, for root\nset -eu\numask 022\n{body}\n# Start: {start}\n"


def check_root() -> None:
    """Raises PneumofedError `not-root`."""
    if os.geteuid() != 0:
        raise PneumofedError(
            "not-root", "install makes users and services: run it as root, or see --print for its commands"
        )


def do_steps(steps: Sequence[Step], say: Callable[[str], object]) -> None:
    """Do every step, each of which `say` is told. Raises PneumofedError `install-failed`."""
    for step in steps:
        say(step.words)
        done = subprocess.run(
            ["sh", "-euc", f"umask 022\n{step.shell}"], env=os.environ | _PATH, capture_output=True, text=True
        )
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise PneumofedError("install-failed", f"{step.words}: {said}; mend it and run install again")
