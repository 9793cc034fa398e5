"""A hospital's two systemd units, for the folders and the program of one machine."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from client.hospital_settings import HospitalSettings

NODE_UNIT, TRAINER_UNIT = "pneumofed-node.service", "pneumofed-trainer.service"

KIT_PLACE = "/var/lib/pneumofed"
"""The folder that the kit's units name."""

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
        found = {name: self._filled(name) for name in (TRAINER_UNIT, NODE_UNIT)}
        if self.hospital.device != "cpu":
            found[TRAINER_UNIT] = found[TRAINER_UNIT].replace(_NO_DEVICES, _GPU)
        return found

    def _filled(self, name: str) -> str:
        text = (resources.files("deploy") / "hospital" / name).read_text()
        hospital = self.hospital
        words = {
            _PROGRAM: self.program,
            f"{KIT_PLACE}/hospital.toml": self.site,
            f"{KIT_PLACE}/store": hospital.store,
            f"{KIT_PLACE}/state": hospital.state,
            f"{KIT_PLACE}/run": hospital.socket.parent,
            f"{KIT_PLACE}/control": hospital.control.parent,
            f"{KIT_PLACE}/node": hospital.node,
        }
        lines = text.splitlines()
        return "".join(f"{_replaced(line, words)}\n" for line in lines)


def site_of(unit: str) -> Path | None:
    """The hospital.toml that the text of a unit names; None if it names none."""
    for line in unit.splitlines():
        words = line.split()
        if line.startswith("ExecStart=") and "--site" in words[:-1]:
            return Path(words[words.index("--site") + 1].replace("%%", "%"))
    return None


def _replaced(line: str, words: dict[str, Path]) -> str:
    """The line of a unit with the paths that are words of it replaced. systemd takes % for a specifier."""
    key, sign, value = line.partition("=")
    if not sign or line.startswith("#"):
        return line
    return key + sign + " ".join(str(words.get(word, word)).replace("%", "%%") for word in value.split(" "))
