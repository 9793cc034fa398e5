"""`pneumofed hospital install-pacs`: receiver, worker, delivery and reading room as services of systemd.

Each runs as the user that docs/pacs.md names, and reads no more than it needs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from client.pacs.pacs_settings import PacsSettings, load_pacs_settings
from deploy.environment import BIN
from deploy.service_units import filled_unit, path_problems, with_gpu
from deploy.shell_steps import RELOAD, Step, check_root, command, do_steps, make_user, script, write_unit
from shared_model.errors import PneumofedError

PACS_USER, READING_USER, DELIVER_USER = "pneumofed-pacs", "pneumofed-reading", "pneumofed-deliver"
PLACE = "/var/lib/pneumofed-pacs"
"""The folder that the packaged units name."""

_DIAGNOSE = "pneumofed-diagnose.service"


@dataclass(frozen=True)
class PacsPlan:
    """What is installed for `settings`, which were read from `file`. program: the command `pneumofed`."""

    file: Path
    settings: PacsSettings
    program: Path

    @property
    def units(self) -> tuple[str, ...]:
        """The receiver if there is [listen], the delivery if there is [deliver]."""
        wanted = {
            "listen": self.settings.listen is not None,
            "diagnose": True,
            "deliver": self.settings.deliver is not None,
            "read": True,
        }
        return tuple(f"pneumofed-{name}.service" for name, wants in wanted.items() if wants)

    @property
    def start(self) -> str:
        """The command that starts all."""
        return command("systemctl", "enable", "--now", *self.units)

    def steps(self) -> list[Step]:
        """In the order in which they are done."""
        return [*self._users(), *self._rights(), *map(self._unit, self.units), RELOAD]

    def script(self) -> str:
        """All steps as one script, for root."""
        return script("pneumofed beside a PACS", self.steps(), self.start)

    def problems(self) -> Iterator[str]:
        """What would end with services that cannot work."""
        places = (self.program, *self._places().values())
        missing = ((self.program, "install pneumofed with pip"), (self.settings.model, "put a model there"))
        yield from (f"{path} is not there: {remedy}" for path, remedy in missing if not path.exists())
        yield from path_problems(places)

    def _users(self) -> Iterator[Step]:
        for user in (PACS_USER, READING_USER, DELIVER_USER):
            yield make_user(user, self.file.parent)

    def _rights(self) -> Iterator[Step]:
        settings = self.settings
        yield self._shown(self.file, "root", "the services")
        web = settings.dicomweb
        if web is not None and web.password_file is not None:
            yield self._shown(web.password_file, DELIVER_USER, DELIVER_USER)
        owners = {
            settings.inbox: (PACS_USER, READING_USER, "2750"),
            settings.results: (READING_USER, DELIVER_USER, "2750"),
            settings.delivery: (DELIVER_USER, DELIVER_USER, "0700"),
            settings.reading: (READING_USER, READING_USER, "0700"),
        }
        for folder, (user, group, mode) in owners.items():
            make = f"{command('mkdir', '-p', folder)} && {command('chown', '-R', f'{user}:{group}', folder)}"
            also = "" if user == group else f", which {group} may read"
            yield Step(f"{folder.name}: of {user}{also}", f"{make} && {command('chmod', mode, folder)}")
        own = command("chown", "-R", f"root:{READING_USER}", settings.model)
        open_it = command("chmod", "-R", "u=rwX,g=rX,o=", settings.model)
        yield Step(f"{settings.model.name}: {READING_USER} may read it", f"{own} && {open_it}")

    def _shown(self, path: Path, group: str, readers: str) -> Step:
        mode = "0644" if group == "root" else "0640"
        own = command("chown", f"root:{group}", path)
        return Step(f"{path.name}: root's, {readers} may read it", f"{own} && {command('chmod', mode, path)}")

    def _unit(self, name: str) -> Step:
        text = filled_unit(name, self.program, self._places())
        gpu = name == _DIAGNOSE and self.settings.device != "cpu"
        return write_unit(name, with_gpu(text) if gpu else text)

    def _places(self) -> dict[str, Path]:
        names = ("inbox", "results", "delivery", "reading", "model")
        folders = {f"{PLACE}/{name}": getattr(self.settings, name) for name in names}
        return {f"{PLACE}/pacs.toml": self.file, **folders}


def plan_pacs_install(file: Path) -> PacsPlan:
    """What `install-pacs` does for the settings in `file`. Raises as `load_pacs_settings` does."""
    return PacsPlan(file.resolve(), load_pacs_settings(file), BIN / "pneumofed")


def install_pacs(plan: PacsPlan, say: Callable[[str], object]) -> None:
    """Do every step, each of which `say` is told.

    Raises PneumofedError `not-root`, `install-unfit`, `install-failed`.
    """
    check_root()
    problems = list(plan.problems())
    if problems:
        raise PneumofedError("install-unfit", "; ".join(problems))
    do_steps(plan.steps(), say)
