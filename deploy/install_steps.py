"""The steps that make a hospital's two services on a machine: shell commands that are printed or executed."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client.hospital_settings import HospitalSettings
from deploy.service_units import NODE_UNIT, TRAINER_UNIT, ServiceUnits
from deploy.zone_users import CONTROL_MODE, RUN_MODE

NODE_USER, TRAINER_USER = "pneumofed-node", "pneumofed"
UNIT_FOLDER = Path("/etc/systemd/system")
START = f"systemctl enable --now {TRAINER_UNIT} {NODE_UNIT}"
_NO_SHELL = "/usr/sbin/nologin"
_END = "END-OF-UNIT"


@dataclass(frozen=True)
class Step:
    """words: what it is for; shell: the command, which may be repeated."""

    words: str
    shell: str


@dataclass(frozen=True)
class Plan:
    """What is installed where.

    source: the unpacked kit's folder; hospital: its settings, with the paths that it will have;
    target: the folder where the services look for it, `source` or another; program: the command `pneumofed`.
    """

    source: Path
    hospital: HospitalSettings
    target: Path
    program: Path

    def moved(self) -> Iterator[tuple[Path, Path]]:
        """Store and state where they are and where they will be, if that is another place."""
        for path in (self.hospital.store, self.hospital.state):
            if self.source != self.target and path.is_relative_to(self.target):
                yield self.source / path.relative_to(self.target), path

    def steps(self) -> list[Step]:
        """In the order in which they are done."""
        copies = self._copies() if self.source != self.target else []
        return [*self._users(), _folder(self.target), *copies, *self._rights(), *self._services()]

    def script(self) -> str:
        """All steps as one script, for root."""
        body = "".join(f"\n# {step.words}\n{step.shell}\n" for step in self.steps())
        head = "#!/bin/sh\n# pneumofed as two services, for root\nset -eu\numask 022\n"
        return f"{head}{body}\n# Start: {START}\n"

    def _users(self) -> Iterator[Step]:
        for user, home in ((TRAINER_USER, self.hospital.state), (NODE_USER, self.hospital.node)):
            add = _command("useradd", "--system", "--user-group", "--no-create-home")
            add += " " + _command("--home-dir", home, "--shell", _NO_SHELL, user)
            yield Step(f"The user {user}", f"{_command('id', user)} >/dev/null 2>&1 || {add}")

    def _copies(self) -> Iterator[Step]:
        kit = self.hospital.coordinator
        site = _command("install", "-m", "0644", self.source / "hospital.toml", self.target)
        kept = _command("[", "-e", self.target / "hospital.toml", "]")
        yield Step("The hospital's settings; those that are there are kept", f"{kept} || {site}")
        shown = [(path, "0644") for path in (kit.ca, kit.certificate)]
        for path, mode in [*shown, (kit.key, "0600"), (kit.certificate_key, "0600")]:
            if path.is_relative_to(self.target):
                origin = self.source / path.relative_to(self.target)
                yield Step(f"The kit's {path.name}", _command("install", "-D", "-m", mode, origin, path))
        for before, after in self.moved():
            free = f"[ ! -d {_quoted(after)} ] || {_command('rmdir', after)}"
            move = f"if [ -e {_quoted(before)} ]; then {free}; {_command('mv', before, after)}; fi"
            yield Step(f"The {before.name} that the kit's folder holds", move)

    def _rights(self) -> Iterator[Step]:
        hospital, kit = self.hospital, self.hospital.coordinator
        keys = (kit.key, kit.certificate_key)
        own = f"{_command('chown', f'{NODE_USER}:', *keys)} && {_command('chmod', '0600', *keys)}"
        yield Step("The keys are the node's alone", own)
        shown = (self.target / "hospital.toml", kit.ca, kit.certificate)
        open_to_both = f"{_command('chown', 'root:', *shown)} && {_command('chmod', '0644', *shown)}"
        yield Step("Settings and certificates are root's, and both may read them", open_to_both)
        zones = ((hospital.store, TRAINER_USER), (hospital.state, TRAINER_USER), (hospital.node, NODE_USER))
        for folder, user in zones:
            make = f"{_command('mkdir', '-p', folder)} && {_command('chown', '-R', f'{user}:', folder)}"
            yield Step(f"{folder.name}: of {user} alone", f"{make} && {_command('chmod', '0700', folder)}")
        run = hospital.socket.parent
        make = f"{_command('mkdir', '-p', run)} && {_command('chown', f'{TRAINER_USER}:{NODE_USER}', run)}"
        words = f"{run.name}: the socket between the two; it gets the group of the folder"
        yield Step(words, f"{make} && {_command('chmod', f'{RUN_MODE:o}', run)}")
        control = hospital.control.parent
        make = f"{_command('mkdir', '-p', control)} && {_command('chown', f'{TRAINER_USER}:', control)}"
        words = f"{control.name}: the page's socket; closed to {NODE_USER}, open to the group {TRAINER_USER}"
        yield Step(words, f"{make} && {_command('chmod', f'{CONTROL_MODE:o}', control)}")

    def _services(self) -> Iterator[Step]:
        units = ServiceUnits(self.hospital, self.target / "hospital.toml", self.program)
        for name, text in units.texts().items():
            write = f"cat >{_quoted(UNIT_FOLDER / name)} <<'{_END}'\n{text}{_END}"
            yield Step(f"The unit {name}", write)
        yield Step("systemd reads them", "[ ! -d /run/systemd/system ] || systemctl daemon-reload")


def _folder(path: Path) -> Step:
    return Step(
        "The folder where the services look",
        _command("install", "-d", "-o", "root", "-g", "root", "-m", "0755", path),
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _command(*words: str | Path) -> str:
    return shlex.join(str(word) for word in words)
