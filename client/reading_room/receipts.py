"""Which reader uploaded which study.

READING/uploads/.receipts/UPLOAD.json    of each upload that was accepted; UPLOAD is a random name
"""

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared_model.files import write_atomically

RECEIPTS = ".receipts"


class Receipt(BaseModel):
    """An upload that was accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Name of the upload.")
    reader: str = Field(description="Who uploaded it.")
    study: str = Field(description="Name of its study.")
    received: float = Field(description="When, in seconds since 1970.")
    images: int = Field(description="How many CT images it held.")
    not_kept: dict[str, int] = Field(description="How many other files it held, by reason.")


class Receipts:
    """The receipts in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder if it is missing. Raises OSError."""
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def write(self, reader: str, study: str, images: int, not_kept: Mapping[str, int]) -> Receipt:
        """A new receipt, on disk. Raises OSError."""
        receipt = Receipt(
            id=secrets.token_hex(12), reader=reader, study=study, received=time.time(), images=images,
            not_kept=dict(not_kept),
        )  # fmt: skip
        write_atomically(self._path(receipt), receipt.model_dump_json(indent=2).encode(), mode=0o600)
        return receipt

    def remove(self, receipt: Receipt) -> None:
        """Forget an upload."""
        self._path(receipt).unlink(missing_ok=True)

    def all(self) -> list[Receipt]:
        """Every receipt that can be read, the latest first."""
        found = (_read(path) for path in self._folder.glob("*.json"))
        return sorted(filter(None, found), key=lambda one: (-one.received, one.id))

    def _path(self, receipt: Receipt) -> Path:
        return self._folder / f"{receipt.id}.json"


def _read(path: Path) -> Receipt | None:
    try:
        return Receipt.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):  # deleted meanwhile, or damaged
        return None
