"""federation.toml: the coordinator's address, and the hospitals that take part."""

import ipaddress
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared_model.errors import PneumofedError
from shared_model.protocol import Role
from shared_model.settings_file import FrozenSettings, read_settings

NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
"""Of a federation or a hospital; it is also the name of files."""


def _host(name: str) -> str:
    """A DNS name or an IP address, as a certificate may contain it."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", name):
            raise ValueError("neither a host name nor an IP address") from None
    return name


Host = Annotated[str, AfterValidator(_host)]


class HospitalEntry(FrozenSettings):
    """A hospital that is to take part."""

    name: str = Field(pattern=NAME, description="Short name: small letters, digits and '-'.")
    role: Role = Field("training", description="'held-out' evaluates and never trains.")


class Federation(FrozenSettings):
    """A federation. Relative paths are relative to the file's folder."""

    name: str = Field(pattern=NAME, description="Short name of the federation.")
    hosts: tuple[Host, ...] = Field(
        min_length=1, description="Names and addresses that hospitals call; the first goes into their kits."
    )
    port: int = Field(443, gt=0, lt=65536, description="That hospitals call.")
    listen: Host = Field("0.0.0.0", description="Address on this machine where the proxy listens.")
    superlink_port: int = Field(9091, gt=0, lt=65536, description="Of Flower's SuperLink, on loopback only.")
    state: Path = Field(Path("coordinator"), description="Keys, kits, database, studies. Back it up.")
    certificate_days: int = Field(365, ge=1, le=825, description="How long the server's certificate holds.")
    quorum: int = Field(1, ge=1, description="Hospitals whose update a round needs.")
    deadline_minutes: float = Field(720, gt=0, description="How long a round waits for hospitals.")
    hospitals: tuple[HospitalEntry, ...] = Field(min_length=1, description="Who is to take part.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        doubled = [name for name, count in Counter(h.name for h in self.hospitals).items() if count > 1]
        if doubled:
            raise ValueError(f"hospitals: {doubled[0]!r} is there twice")
        training = sum(hospital.role == "training" for hospital in self.hospitals)
        if self.quorum > training:
            raise ValueError(f"quorum: {self.quorum} hospitals are needed, only {training} train")
        return self

    @property
    def address(self) -> str:
        """What hospitals connect to: host:port."""
        host = self.hosts[0]
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def load_federation(path: Path) -> Federation:
    """Read federation.toml, with `state` absolute.

    Raises PneumofedError `federation-missing`, or `federation-invalid` with every problem named.
    """
    missing = PneumofedError("federation-missing", f"{path}: no such file; docs/coordinator.md has an example")
    federation = read_settings(path, Federation, missing=missing, code="federation-invalid")
    return federation.model_copy(update={"state": path.resolve().parent / federation.state})
