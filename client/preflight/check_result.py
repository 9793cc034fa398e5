"""One line of a preflight: what was looked at, what was found, what to do about it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Row:
    """remedy is empty where all is well."""

    check: str
    state: State
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Row:
    return Row(check, "ok", found)


def warn(check: str, found: str, remedy: str) -> Row:
    return Row(check, "warn", found, remedy)


def fail(check: str, found: str, remedy: str) -> Row:
    return Row(check, "fail", found, remedy)
