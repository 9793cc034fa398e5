"""Units of systemd, for the folders and the program of one machine."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from client.hospital_settings import HospitalSettings

NODE_UNIT, TRAINER_UNIT = "pneumofed-node.service", "pneumofed-trainer.service"

KIT_PLACE = "/var/lib/pneumofed"
"""The folder that the kit's units name."""

HIDDEN = tuple(Path(folder) for folder in ("/home", "/root", "/run/user", "/tmp", "/var/tmp"))
"""What the units' ProtectHome and PrivateTmp hide from services."""

_PROGRAM = "/opt/pneumofed/bin/pneumofed"
_NO_DEVICES = "PrivateDevices=yes\n"
_GPU = "DevicePolicy=closed\nDeviceAllow=char-nvidia* rw\n"


@dataclass(frozen=True)
class ServiceUnits:
    """Both units of the hospital `hospital`, whose settings are in `site` and whose paths are absolute.

    program: the command `pneumofed`.
    """

    hospital: HospitalSettings
    site: Path
    program: Path

    def texts(self) -> dict[str, str]:
        """File name -> content."""
        found = {name: filled_unit(name, self.program, self._places()) for name in (TRAINER_UNIT, NODE_UNIT)}
        if self.hospital.device != "cpu":
            found[TRAINER_UNIT] = with_gpu(found[TRAINER_UNIT])
        return found

    def _places(self) -> dict[str, Path]:
        hospital = self.hospital
        return {
            f"{KIT_PLACE}/hospital.toml": self.site,
            f"{KIT_PLACE}/store": hospital.store,
            f"{KIT_PLACE}/state": hospital.state,
            f"{KIT_PLACE}/run": hospital.socket.parent,
            f"{KIT_PLACE}/control": hospital.control.parent,
            f"{KIT_PLACE}/node": hospital.node,
        }


def filled_unit(name: str, program: Path, places: Mapping[str, Path]) -> str:
    """The packaged unit `name` with the command `program`, and the paths that it holds as in `places`."""
    text = (resources.files("deploy") / "hospital" / name).read_text()
    words = {_PROGRAM: program, **places}
    return "".join(f"{_replaced(line, words)}\n" for line in text.splitlines())


def with_gpu(unit: str) -> str:
    """The text of a unit that sees no devices, with Nvidia's."""
    return unit.replace(_NO_DEVICES, _GPU)


def path_problems(paths: Iterable[Path]) -> Iterator[str]:
    """Why services cannot work with some of the paths, in words."""
    for path in paths:
        if any(path.is_relative_to(folder) for folder in HIDDEN):
            yield f"{path} is hidden from services: choose a place outside of /home, /root and /tmp"
        if any(character.isspace() or character in "\"'\\$" for character in str(path)):
            yield f"{path} has a space, quote or $ in its name, which units cannot hold: choose another"


def site_of(unit: str) -> Path | None:
    """The hospital.toml that the text of a unit names; None if it names none."""
    for line in unit.splitlines():
        words = line.split()
        if line.startswith("ExecStart=") and "--site" in words[:-1]:
            return Path(words[words.index("--site") + 1].replace("%%", "%"))
    return None


def _replaced(line: str, words: Mapping[str, Path]) -> str:
    """The line of a unit with the paths that are words of it replaced, those after a "-" too. systemd takes %
    for a specifier.
    """
    key, sign, value = line.partition("=")
    if not sign or line.startswith("#"):
        return line
    return key + sign + " ".join(_word(word, words) for word in value.split(" "))


def _word(word: str, words: Mapping[str, Path]) -> str:
    path = word.removeprefix("-")
    return word[: len(word) - len(path)] + str(words.get(path, path)).replace("%", "%%")
