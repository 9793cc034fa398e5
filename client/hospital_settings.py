"""hospital.toml: a hospital's folders, device, coordinator and limits. It never leaves the hospital."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from shared_model.errors import PneumofedError
from shared_model.protocol import Role
from shared_model.settings_file import FrozenSettings, ShortName, check_settings, read_settings

LONGEST_SOCKET_PATH = 107
"""The most bytes that Linux allows in a Unix socket's path (unix(7))."""


def _host_and_port(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or "/" in address or not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("write host:port, without https://")
    return address


class CoordinatorAddress(FrozenSettings):
    """Where the coordinator is, and the files with which hospital and coordinator prove who they are."""

    address: Annotated[str, AfterValidator(_host_and_port)] = Field(
        description="host:port of the coordinator."
    )
    ca: Path = Field(Path("ca.crt"), description="Certificate of the federation's CA, PEM.")
    key: Path = Field(Path("hospital.key"), description="The node's private EC key, OpenSSH format.")
    certificate: Path = Field(
        Path("client.crt"),
        description="What the hospital shows the coordinator, PEM; its key beside it, .key.",
    )

    @property
    def certificate_key(self) -> Path:
        """The private key of `certificate`, PEM."""
        return self.certificate.with_suffix(".key")


class Limits(FrozenSettings):
    """What the hospital allows at most."""

    count_floor: int = Field(10, ge=1, description="Counts of fewer patients than this are not disclosed.")
    task_minutes: float = Field(240, gt=0, description="The longest that one job may take.")
    threads: int | None = Field(None, ge=1, description="CPU threads for training; none: all cores.")


class ApprovalSettings(FrozenSettings):
    """How the hospital decides on studies."""

    four_eyes: bool = Field(False, description="Whether a study needs approvals under two different names.")


class Users(FrozenSettings):
    """Users of the operating system, by name or number, for the two zones of a `join` that root starts."""

    node: str | int = Field(description="Of the network zone; may read neither store nor state.")
    trainer: str | int = Field(description="Of the data zone; store and state are its own.")


class ReleaseSettings(FrozenSettings):
    """The signature of the release that is installed, which `join` verifies."""

    key: Path = Field(Path("release.pub"), description="Public Ed25519 key of who signs releases, PEM.")
    sums: Path = Field(
        Path("pneumofed.sums"), description="The release's list of files; its signature beside it, .sig."
    )


class HospitalSettings(FrozenSettings):
    """One hospital. Relative paths are relative to the file's folder."""

    name: ShortName = Field(description="As the coordinator registered it.")
    kit: int = Field(
        0, ge=0, description="Version of the kit that brought this file; 0: before kits had any."
    )
    role: Role = Field("training", description="'held-out' evaluates and never trains.")
    store: Path = Field(Path("store"), description="Made by `pneumofed hospital prepare`.")
    state: Path = Field(Path("state"), description="Approvals, audit log, ledger; the trainer's alone.")
    node: Path = Field(Path("node"), description="What the network zone writes; it writes nowhere else.")
    socket: Path = Field(Path("run/trainer.sock"), description="Unix socket between the two zones.")
    control: Path = Field(
        Path("control/control.sock"),
        description="Unix socket at which the trainer serves the hospital's page; closed to the node.",
    )
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="'cpu', 'cuda' or 'cuda:1'.")
    coordinator: CoordinatorAddress
    limits: Limits = Limits()
    approval: ApprovalSettings = ApprovalSettings()
    users: Users | None = Field(None, description="None: `join` runs both zones as the user who starts it.")

    release: ReleaseSettings | None = Field(
        None, description="None: the installed code is not checked against a signature."
    )

    @model_validator(mode="after")
    def _sockets_fit(self) -> Self:
        for name, path in (("socket", self.socket), ("control", self.control)):
            if len(str(path).encode()) > LONGEST_SOCKET_PATH:
                raise ValueError(
                    f"{name}: its path is longer than {LONGEST_SOCKET_PATH} bytes; choose a shorter one"
                )
        if self.control.parent == self.socket.parent:
            raise ValueError("control: the node may enter the folder of `socket`; choose another folder")
        return self


def load_hospital_settings(path: Path) -> HospitalSettings:
    """Read hospital.toml, with all its paths absolute.

    Raises PneumofedError `site-missing`, or `site-invalid` with every problem named.
    """
    missing = PneumofedError("site-missing", f"{path}: no such file; it came with the hospital's kit")
    hospital = read_settings(path, HospitalSettings, missing=missing, code="site-invalid")
    whole = _absolute(hospital, path.resolve().parent)
    return check_settings(whole, HospitalSettings, name=str(path), code="site-invalid")


def _absolute(hospital: HospitalSettings, folder: Path) -> dict[str, Any]:
    coordinator = hospital.coordinator.model_dump()
    coordinator |= {name: folder / coordinator[name] for name in ("ca", "key", "certificate")}
    paths = {
        name: folder / getattr(hospital, name) for name in ("store", "state", "node", "socket", "control")
    }
    release = None if hospital.release is None else hospital.release.model_dump()
    if release is not None:
        release = {name: folder / path for name, path in release.items()}
    return hospital.model_dump() | paths | {"coordinator": coordinator, "release": release}
