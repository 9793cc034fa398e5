"""federation.toml: the coordinator's address, and the hospitals that take part."""

import ipaddress
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared_model.errors import PneumofedError
from shared_model.protocol import Role
from shared_model.settings_file import FrozenSettings, ShortName, read_settings


def _host(name: str) -> str:
    """A DNS name or an IP address, as a certificate may contain it."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", name):
            raise ValueError("neither a host name nor an IP address") from None
    return name


def _web_address(address: str) -> str:
    if not re.fullmatch(r"https?://\S+", address):
        raise ValueError("write an address that begins with https:// or http://")
    return address


Host = Annotated[str, AfterValidator(_host)]


class HospitalEntry(FrozenSettings):
    """A hospital that is to take part."""

    name: ShortName = Field(description="Short name: small letters, digits and '-'.")
    role: Role = Field("training", description="'held-out' evaluates and never trains.")


class EmailNotice(FrozenSettings):
    """An e-mail for each notice. It names studies and hospitals, and no counts."""

    to: tuple[str, ...] = Field(min_length=1, description="Addresses.")
    sender: str = Field(min_length=3, description="Address that it comes from.")
    host: str = Field(min_length=1, description="Of the SMTP server.")
    port: int = Field(587, gt=0, lt=65536, description="Of the SMTP server.")
    tls: Literal["starttls", "tls", "none"] = Field("starttls", description="'none' on a trusted line only.")
    user: str | None = Field(None, description="None: without login.")
    password_file: Path | None = Field(None, description="Its first line is the user's password.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("name both user and password_file, or neither")
        return self


class NoticeSettings(FrozenSettings):
    """Who is told when a study waits, fails or ends. Nobody is without this."""

    email: EmailNotice | None = None
    webhook: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="Gets a JSON object (`text` and fields) by POST.", repr=False
    )
    waits_minutes: float = Field(10, ge=0, description="How long a hospital is waited for until it is told.")

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if self.email is None and self.webhook is None:
            raise ValueError("name an email or a webhook")
        return self


class Federation(FrozenSettings):
    """A federation. Relative paths are relative to the file's folder."""

    name: ShortName = Field(description="Short name of the federation.")
    hosts: tuple[Host, ...] = Field(
        min_length=1, description="Names and addresses that hospitals call; the first goes into their kits."
    )
    port: int = Field(443, gt=0, lt=65536, description="That hospitals call.")
    listen: Host = Field("0.0.0.0", description="Address on this machine where the proxy listens.")
    superlink_port: int = Field(9091, gt=0, lt=65536, description="Of Flower's SuperLink, on loopback only.")
    state: Path = Field(Path("coordinator"), description="Keys, kits, database, studies. Back it up.")
    certificate_days: int = Field(365, ge=1, le=825, description="How long the server's certificate holds.")
    quorum: int | None = Field(
        None, ge=1, description="Hospitals whose update a round needs; none: all that train."
    )
    required: tuple[str, ...] = Field(
        (), description="Hospitals without whom no study begins, and without whose update no round counts."
    )
    deadline_minutes: float = Field(720, gt=0, description="How long a round waits for hospitals.")
    hospitals: tuple[HospitalEntry, ...] = Field(min_length=1, description="Who is to take part.")
    notice: NoticeSettings | None = Field(None, description="Who is told when a study waits, fails or ends.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        doubled = [name for name, count in Counter(h.name for h in self.hospitals).items() if count > 1]
        if doubled:
            raise ValueError(f"hospitals: {doubled[0]!r} is there twice")
        training = sum(hospital.role == "training" for hospital in self.hospitals)
        if self.quorum is not None and self.quorum > training:
            raise ValueError(f"quorum: a round needs {self.quorum} that train, only {training} do")
        unknown = sorted(set(self.required) - {hospital.name for hospital in self.hospitals})
        if unknown:
            raise ValueError(f"required: {unknown[0]!r} is not among the hospitals")
        return self

    @property
    def address(self) -> str:
        """What hospitals connect to: host:port."""
        host = self.hosts[0]
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def load_federation(path: Path) -> Federation:
    """Read federation.toml, with its paths absolute.

    Raises PneumofedError `federation-missing`, or `federation-invalid` with every problem named.
    """
    missing = PneumofedError(
        "federation-missing", f"{path}: no such file; docs/coordinator.md has an example"
    )
    federation = read_settings(path, Federation, missing=missing, code="federation-invalid")
    folder = path.resolve().parent
    changes: dict[str, object] = {"state": folder / federation.state}
    notice = federation.notice
    if notice is not None and notice.email is not None and notice.email.password_file is not None:
        password = {"password_file": folder / notice.email.password_file}
        email = notice.email.model_copy(update=password)
        changes["notice"] = notice.model_copy(update={"email": email})
    return federation.model_copy(update=changes)
