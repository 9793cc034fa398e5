"""Preflight checks of whose the hospital's files are: what this user cannot open, what another user left."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from client.hospital_settings import HospitalSettings
from client.preflight.check_result import CheckResult, fail, ok, warn

READ, CHANGE = os.R_OK, os.R_OK | os.W_OK


def check_owners(hospital: HospitalSettings) -> list[CheckResult]:
    """Keys, store and state, as far as they are there. Rows name no file inside store or state."""
    rows = [*_closed(hospital), *_strays(hospital)]
    return rows or [ok("owner", f"{_name(os.geteuid())} can open keys, store and state")]


def _closed(hospital: HospitalSettings) -> Iterator[CheckResult]:
    kit = hospital.coordinator
    files = ((kit.key, READ), (kit.certificate_key, READ))
    folders = ((hospital.store, READ | os.X_OK), (hospital.state, CHANGE | os.X_OK))
    for path, mode in (*files, *folders):
        if os.path.exists(path) and not os.access(path, mode, effective_ids=True):
            found = f"{path.name} is {_name(path.stat().st_uid)}'s, and closed to {_name(os.geteuid())}"
            remedy = f"as root: chown -R {os.geteuid()} {path}; where node and trainer are two users, "
            yield fail("owner", found, remedy + "run preflight as root instead")


def _strays(hospital: HospitalSettings) -> Iterator[CheckResult]:
    """Files of another user than the folder's: of root who approved or prepared, mostly."""
    for folder in (hospital.store, hospital.state):
        try:
            owner = folder.stat().st_uid
            others = [path for path in _near(folder) if path.lstat().st_uid != owner]
        except OSError:  # not there, or closed: another row says so
            continue
        if others:
            found = f"{len(others)} entries of {folder.name} are not {_name(owner)}'s, as the folder is"
            remedy = f"as root: chown -R {owner} {folder}; give hospital commands as {_name(owner)}"
            yield warn("owner", found, remedy)


def _near(folder: Path) -> Iterator[Path]:
    """What is in the folder, and in folders in it: a store's scans, a state's studies."""
    yield from folder.glob("*")
    yield from folder.glob("*/*")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
