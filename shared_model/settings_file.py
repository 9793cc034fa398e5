"""Settings in TOML files: parsed and validated, with every problem named in one line."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shared_model.errors import PneumofedError

Settings = TypeVar("Settings", bound=BaseModel)


class FrozenSettings(BaseModel):
    """Base of settings that are not changed once read; unknown names, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def read_settings(path: Path, model: type[Settings], *, missing: PneumofedError, code: str) -> Settings:
    """The settings in the file `path`.

    Raises `missing` if there is no such file, and PneumofedError `code` as `parse_settings` does.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise missing from None
    return parse_settings(content, model, name=str(path), code=code)


def parse_settings(content: bytes, model: type[Settings], *, name: str, code: str) -> Settings:
    """The settings in a file's `content`; `name` is the file's name in error messages.

    Raises PneumofedError `code` if it is not TOML, or not a valid `model`: then with every problem named.
    """
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PneumofedError(code, f"{name}: not TOML: {error}") from None
    return check_settings(document, model, name=name, code=code)


def check_settings(document: dict[str, Any], model: type[Settings], *, name: str, code: str) -> Settings:
    """The settings in a parsed file. Raises PneumofedError as `parse_settings` does."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(_problem_text(problem["loc"], problem["msg"]) for problem in error.errors())
        raise PneumofedError(code, f"{name}: {problems}") from None


def _problem_text(location: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in location)
    message = message.removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
