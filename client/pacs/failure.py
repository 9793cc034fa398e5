"""failure.json: why a study has no diagnosis, or that one was begun. Loads no network to read it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from client.pacs.inbox import SEVERAL_PATIENTS
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

FAILURE = "failure.json"
MOST_BEGUN = 3
"""A study during whose diagnosis the process ended so often is left alone."""


class Failure(BaseModel):
    """failure.json. made_of: files and model; begun: how often a diagnosis of them was begun.

    code, reason: why there is none; "" while it runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_of: str
    begun: int
    code: str = ""
    reason: str = ""

    def as_error(self) -> PneumofedError | None:
        """Why there is no diagnosis; None if one runs, or is to be tried again."""
        if self.code:
            return PneumofedError(self.code, self.reason)
        if self.begun < MOST_BEGUN:
            return None
        return PneumofedError(
            "diagnosis-died",
            f"the process ended {self.begun} times while it diagnosed this study; memory may have run out: "
            "give it more, delete its failure.json, and report this if it happens again",
        )


def read_failure(results: Path) -> Failure | None:
    """What is in the results of a study; None if there is nothing, or nothing that can be read."""
    try:
        return Failure.model_validate_json((results / FAILURE).read_bytes())
    except (OSError, ValidationError):
        return None


def write_failure(results: Path, failure: Failure) -> None:
    """Replace it. Raises OSError."""
    write_atomically(results / FAILURE, failure.model_dump_json(indent=2).encode())


def of_altered_inbox() -> PneumofedError:
    """Why a study is not looked at that holds what no receiver leaves there."""
    return PneumofedError(
        "inbox-altered",
        "its folder in the inbox holds links, folders or pipes, which `hospital listen` never leaves: "
        "find out who did, delete it, and send the study again",
    )


def of_several_patients() -> PneumofedError:
    """Why a study that the inbox refused has no diagnosis."""
    return PneumofedError(
        SEVERAL_PATIENTS,
        "images of several patients came for this study; correct it in the PACS, delete its folder in the "
        "inbox, and send it again",
    )
