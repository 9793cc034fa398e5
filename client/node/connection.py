"""How a hospital's node stands with the coordinator: written by the node, read by `hospital status`.

NODE/connection.json
"""

import os
import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared_model.files import write_atomically

FILE = "connection.json"

State = Literal["connected", "trying", "refused"]


class Connection(BaseModel):
    """state: `refused` if the coordinator does not take the hospital's key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    since: float = Field(description="Seconds since 1970.")
    process: int = Field(description="The node's process id.")


def write_connection(folder: Path, state: State) -> None:
    """Record this process's connection in the node's folder."""
    connection = Connection(state=state, since=time.time(), process=os.getpid())
    write_atomically(folder / FILE, connection.model_dump_json().encode())


def write_start(folder: Path) -> None:
    """The same for a node that starts. One that was refused ends, and starts again: it stays refused until it
    is known better."""
    before = read_connection(folder)
    write_connection(folder, "refused" if before and before.state == "refused" else "trying")


def read_connection(folder: Path) -> Connection | None:
    """What the node wrote last; None if it wrote nothing, or does not run any more and was not refused.

    Raises PermissionError for another user than the node's.
    """
    try:
        connection = Connection.model_validate_json((folder / FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    runs = Path(f"/proc/{connection.process}").exists()
    return connection if runs or connection.state == "refused" else None
