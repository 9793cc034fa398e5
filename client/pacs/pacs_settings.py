"""pacs.toml: how a hospital's PACS and pneumofed reach each other. It never leaves the hospital."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared_model.errors import PneumofedError
from shared_model.settings_file import FrozenSettings, check_settings, read_settings


def _ae_title(title: str) -> str:
    if not (0 < len(title.strip()) <= 16) or "\\" in title or not (title.isascii() and title.isprintable()):
        raise ValueError("1 to 16 ASCII characters, no \\")
    return title.strip()


def _ip_address(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise ValueError("write an IP address, such as 10.0.0.5") from None


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("write http:// or https:// and the rest")
    return url.rstrip("/")


AeTitle = Annotated[str, AfterValidator(_ae_title)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Peer(FrozenSettings):
    """A system that may send studies. AE title and address must both be those of one peer."""

    ae_title: AeTitle = Field(description="Its own AE title, with which it calls.")
    address: IpAddress = Field(description="The IP address from which it calls.")


class ListenSettings(FrozenSettings):
    """The receiver of studies, a Storage SCP, and its bounds."""

    ae_title: AeTitle = Field("PNEUMOFED", description="Of the receiver; calls for another one are rejected.")
    address: IpAddress = Field(description="IP address of this machine to listen on.")
    port: Port = Field(11112, description="TCP port to listen on.")
    peers: tuple[Peer, ...] = Field(min_length=1)
    quiet_s: float = Field(120, ge=1, description="A study is complete if no image came for so long.")
    idle_s: float = Field(30, ge=1, description="A peer that stalls for so long is cut off.")
    associations: int = Field(4, ge=1, le=64, description="At a time, from each address.")
    max_pdu_kb: int = Field(64, ge=16, le=1024, description="The longest PDU that is accepted, in KiB.")
    max_object_mb: float = Field(512, gt=0, description="The largest object that is accepted, in MiB.")
    min_free_gb: float = Field(5, ge=0, description="Free disk space below which nothing is accepted.")


class DicomWebSettings(FrozenSettings):
    """The PACS's DICOMweb service: for `fetch`, and for delivery by STOW-RS."""

    url: Annotated[str, AfterValidator(_web_address)] = Field(description="Such as https://pacs/dicom-web.")
    ca: Path | None = Field(None, description="Certificate of the PACS's CA, PEM; none: the system's CAs.")
    user: str | None = Field(None, description="For Basic authentication; needs `password_file`.")
    password_file: Path | None = Field(None, description="File with the password of `user`, one line.")
    timeout_s: float = Field(60, gt=0, description="A request that stalls for so long is given up.")
    max_object_mb: float = Field(512, gt=0, description="The largest answer that is accepted, in MiB.")

    @model_validator(mode="after")
    def _password_is_there(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("dicomweb: `user` and `password_file` need each other")
        return self


class CStoreSettings(FrozenSettings):
    """Where results go by C-STORE."""

    ae_title: AeTitle = Field("PNEUMOFED", description="With which pneumofed calls.")
    called_ae_title: AeTitle = Field(description="Of the PACS.")
    address: str = Field(description="Name or IP address of the PACS.")
    port: Port = Field(104, description="TCP port of the PACS.")
    timeout_s: float = Field(60, gt=0, description="A PACS that stalls for so long is given up.")


class DeliverSettings(FrozenSettings):
    """How results go back to the PACS."""

    method: Literal["c-store", "stow-rs"] = Field(description="By [c_store], or by [dicomweb].")
    label_map: bool = Field(False, description="Also the label map, which an older PACS refuses.")
    attempts: int = Field(5, ge=1, description="Refused so often, results are a dead letter.")
    first_pause_s: float = Field(30, gt=0, description="After the first failed attempt; then it doubles.")
    longest_pause_s: float = Field(3600, gt=0, description="The longest pause between attempts.")


class ReadSettings(FrozenSettings):
    """The reading room, `hospital read`, and the bounds of what is uploaded to it."""

    port: Annotated[int, Field(ge=0, le=65535)] = Field(8766, description="On 127.0.0.1; 0 for a free one.")
    blinded: bool = Field(True, description="A reader answers before the model's output is shown.")
    session_minutes: float = Field(30, ge=1, le=720, description="A login ends if unused for so long.")
    max_upload_gb: float = Field(4, gt=0, description="The largest upload that is accepted, in GiB.")
    max_files: int = Field(5000, ge=1, description="Files in one upload.")
    max_unpacked_gb: float = Field(8, gt=0, description="Of one archive, unpacked, in GiB.")
    max_minutes: float = Field(30, gt=0, description="The longest that an upload may take.")
    min_free_gb: float = Field(5, ge=0, description="Free disk space below which no upload is accepted.")
    most_waiting: int = Field(20, ge=1, description="Uploads that wait for their diagnosis at a time.")


class PacsSettings(FrozenSettings):
    """A hospital's PACS. Relative paths are relative to the file's folder."""

    inbox: Path = Field(Path("inbox"), description="Studies as they came; the receiver writes it.")
    results: Path = Field(Path("results"), description="Diagnoses; `hospital diagnose` writes it.")
    delivery: Path = Field(Path("delivery"), description="What was delivered; `hospital deliver` writes it.")
    reading: Path = Field(Path("reading"), description="The reading room's own; `hospital read` writes it.")
    model: Path = Field(Path("model"), description="Folder of the model.")
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="'cpu', 'cuda' or 'cuda:1'.")
    keep_days: float = Field(30, gt=0, description="Days after which a study, then its results, are deleted.")
    listen: ListenSettings | None = None
    c_store: CStoreSettings | None = None
    dicomweb: DicomWebSettings | None = None
    deliver: DeliverSettings | None = None
    read: ReadSettings = Field(default_factory=ReadSettings)

    @property
    def uploads(self) -> Path:
        """The inbox of what is uploaded to the reading room."""
        return self.reading / "uploads"

    @property
    def inboxes(self) -> tuple[Path, Path]:
        """All inboxes whose studies are diagnosed; names in them do not collide."""
        return self.inbox, self.uploads

    @model_validator(mode="after")
    def _delivery_has_its_place(self) -> Self:
        place = {"c-store": self.c_store, "stow-rs": self.dicomweb}
        if self.deliver is not None and place[self.deliver.method] is None:
            needed = "[c_store]" if self.deliver.method == "c-store" else "[dicomweb]"
            raise ValueError(f"deliver: method {self.deliver.method} needs the table {needed}")
        return self


def load_pacs_settings(path: Path) -> PacsSettings:
    """Read pacs.toml, with all its paths absolute.

    Raises PneumofedError `pacs-settings-missing`, or `pacs-settings-invalid` with every problem named.
    """
    missing = PneumofedError("pacs-settings-missing", f"{path}: no such file; docs/pacs.md has an example")
    settings = read_settings(path, PacsSettings, missing=missing, code="pacs-settings-invalid")
    whole = _absolute(settings, path.resolve().parent)
    return check_settings(whole, PacsSettings, name=str(path), code="pacs-settings-invalid")


def _absolute(settings: PacsSettings, folder: Path) -> dict[str, Any]:
    whole = settings.model_dump()
    for name in ("inbox", "results", "delivery", "reading", "model"):
        whole[name] = folder / whole[name]
    if (web := whole["dicomweb"]) is not None:
        web |= {name: folder / web[name] for name in ("ca", "password_file") if web[name] is not None}
    return whole
