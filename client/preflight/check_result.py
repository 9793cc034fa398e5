"""The result of one preflight check."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class CheckResult:
    """check: its name; found: what was found; remedy: what to do about it, empty if state is "ok"."""

    check: str
    state: State
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> CheckResult:
    return CheckResult(check, "ok", found)


def warn(check: str, found: str, remedy: str) -> CheckResult:
    return CheckResult(check, "warn", found, remedy)


def fail(check: str, found: str, remedy: str) -> CheckResult:
    return CheckResult(check, "fail", found, remedy)
