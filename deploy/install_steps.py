"""The steps that make a hospital's two services on a machine: shell commands that are printed or executed."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client.hospital_settings import HospitalSettings
from deploy.service_units import NODE_UNIT, TRAINER_UNIT, ServiceUnits
from deploy.shell_steps import RELOAD, Step, command, make_user, script, write_unit
from deploy.zone_users import CONTROL_MODE, RUN_MODE

NODE_USER, TRAINER_USER = "pneumofed-node", "pneumofed"
START = f"systemctl enable --now {TRAINER_UNIT} {NODE_UNIT}"


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
        return script("pneumofed as two services", self.steps(), START)

    def _users(self) -> Iterator[Step]:
        yield make_user(TRAINER_USER, self.hospital.state)
        yield make_user(NODE_USER, self.hospital.node)

    def _copies(self) -> Iterator[Step]:
        kit = self.hospital.coordinator
        site = command("install", "-m", "0644", self.source / "hospital.toml", self.target)
        kept = command("[", "-e", self.target / "hospital.toml", "]")
        yield Step("The hospital's settings; those that are there are kept", f"{kept} || {site}")
        shown = [(path, "0644") for path in (kit.ca, kit.certificate)]
        for path, mode in [*shown, (kit.key, "0600"), (kit.certificate_key, "0600")]:
            if path.is_relative_to(self.target):
                origin = self.source / path.relative_to(self.target)
                yield Step(f"The kit's {path.name}", command("install", "-D", "-m", mode, origin, path))
        for before, after in self.moved():
            free = f"[ ! -d {shlex.quote(str(after))} ] || {command('rmdir', after)}"
            move = f"if [ -e {shlex.quote(str(before))} ]; then {free}; {command('mv', before, after)}; fi"
            yield Step(f"The {before.name} that the kit's folder holds", move)

    def _rights(self) -> Iterator[Step]:
        hospital, kit = self.hospital, self.hospital.coordinator
        keys = (kit.key, kit.certificate_key)
        own = f"{command('chown', f'{NODE_USER}:', *keys)} && {command('chmod', '0600', *keys)}"
        yield Step("The keys are the node's alone", own)
        shown = (self.target / "hospital.toml", kit.ca, kit.certificate)
        open_to_both = f"{command('chown', 'root:', *shown)} && {command('chmod', '0644', *shown)}"
        yield Step("Settings and certificates are root's, and both may read them", open_to_both)
        zones = ((hospital.store, TRAINER_USER), (hospital.state, TRAINER_USER), (hospital.node, NODE_USER))
        for folder, user in zones:
            make = f"{command('mkdir', '-p', folder)} && {command('chown', '-R', f'{user}:', folder)}"
            yield Step(f"{folder.name}: of {user} alone", f"{make} && {command('chmod', '0700', folder)}")
        run = hospital.socket.parent
        make = f"{command('mkdir', '-p', run)} && {command('chown', f'{TRAINER_USER}:{NODE_USER}', run)}"
        words = f"{run.name}: the socket between the two; it gets the group of the folder"
        yield Step(words, f"{make} && {command('chmod', f'{RUN_MODE:o}', run)}")
        control = hospital.control.parent
        make = f"{command('mkdir', '-p', control)} && {command('chown', f'{TRAINER_USER}:', control)}"
        words = f"{control.name}: the page's socket; closed to {NODE_USER}, open to the group {TRAINER_USER}"
        yield Step(words, f"{make} && {command('chmod', f'{CONTROL_MODE:o}', control)}")

    def _services(self) -> Iterator[Step]:
        units = ServiceUnits(self.hospital, self.target / "hospital.toml", self.program)
        for name, text in units.texts().items():
            yield write_unit(name, text)
        yield RELOAD


def _folder(path: Path) -> Step:
    return Step(
        "The folder where the services look",
        command("install", "-d", "-o", "root", "-g", "root", "-m", "0755", path),
    )
