"""Settings in TOML files: parsed and validated, with every problem named in one line."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from shared_model.errors import PneumofedError
from shared_model.settings_problems import problems_in_words

Settings = TypeVar("Settings", bound=BaseModel)


SHORT_NAME = r"[a-z0-9][a-z0-9-]{0,62}"


def _short_name(name: str) -> str:
    if not re.fullmatch(SHORT_NAME, name):
        raise ValueError("small letters, digits and '-' only, 63 at most, the first no '-'")
    return name


ShortName = Annotated[str, AfterValidator(_short_name)]
"""Of a federation or a hospital; it is also the name of files."""


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
        raise PneumofedError(code, f"{name}: {problems_in_words(error, model, document)}") from None
