"""Settings that people write as TOML: parsed and checked, with every problem named in one line."""

import tomllib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared_model.errors import PneumofedError

Settings = TypeVar("Settings", bound=BaseModel)


def parse_settings(content: bytes, model: type[Settings], *, name: str, code: str) -> Settings:
    """The settings in a file's `content`; `name` is what the message calls the file.

    Raises PneumofedError `code` where it is no TOML or no `model`, the latter with every problem named.
    """
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PneumofedError(code, f"{name}: not TOML: {error}") from None
    return check_settings(document, model, name=name, code=code)


def check_settings(document: dict[str, Any], model: type[Settings], *, name: str, code: str) -> Settings:
    """The settings in a parsed file. Raises PneumofedError as `parse_settings`."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(_in_words(problem["loc"], problem["msg"]) for problem in error.errors())
        raise PneumofedError(code, f"{name}: {problems}") from None


def _in_words(location: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in location)
    message = message.removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
