"""Preflight checks of files: CA, key and certificate from the kit, store, writable folders, socket."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from client.hospital_settings import HospitalSettings
from client.node.trainer_client import trainer_is_healthy
from client.preflight.check_result import CheckResult, fail, ok, warn
from client.trainer.approvals import Approvals
from shared_model.errors import PneumofedError
from shared_model.tls import client_context

SOON = timedelta(days=30)
OTHERS = 0o077
NEW_KIT = "unpack the kit again, or ask the coordinator for a new one (`coordinator kit`)"


def check_ca(path: Path) -> CheckResult:
    """Whether the federation's CA certificate is present, readable and in force."""
    try:
        ca = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return fail("ca", f"{path.name} is missing or unreadable", NEW_KIT)
    until = ca.not_valid_after_utc
    if not ca.not_valid_before_utc < datetime.now(UTC) < until:
        return fail(
            "ca", f"in force until {until:%Y-%m-%d}: not now", f"check this machine's clock; {NEW_KIT}"
        )
    if until - datetime.now(UTC) < SOON:
        return warn("ca", f"ends on {until:%Y-%m-%d}", "ask the coordinator for the next CA's kit")
    return ok("ca", f"in force until {until:%Y-%m-%d}")


def check_key(path: Path) -> CheckResult:
    """Whether the hospital's key is an EC key that no other user of this machine can read."""
    try:
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except PermissionError:
        return fail("key", *_closed(path))
    except (OSError, ValueError):
        return fail("key", f"{path.name} is missing or unreadable", NEW_KIT)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return fail("key", f"{path.name} is no EC key", NEW_KIT)
    if path.stat().st_mode & OTHERS:
        return warn("key", "other users of this machine can read it", f"chmod 600 {path}")
    return ok("key", "an EC key, readable by its owner alone; it does not expire")


def check_certificate(path: Path, ca: Path) -> CheckResult:
    """Whether what the hospital shows the coordinator has its key, which no other user can read."""
    key = path.with_suffix(".key")
    try:
        client_context(path, trusted=ca)
    except PermissionError:
        return fail("certificate", *_closed(key))
    except OSError:
        return fail("certificate", f"{path.name} and {key.name} are missing, or do not match", NEW_KIT)
    if key.stat().st_mode & OTHERS:
        return warn("certificate", "other users of this machine can read its key", f"chmod 600 {key}")
    return ok("certificate", "with its key, readable by its owner alone")


def _closed(path: Path) -> tuple[str, str]:
    """What was found of a file that this user may not read, and the remedy."""
    return f"{path.name} cannot be read by user {os.geteuid()}", f"as root: chown {os.geteuid()} {path}"


def check_store(hospital: HospitalSettings) -> list[CheckResult]:
    """Whether the store can be read and holds scans, and fits the preprocessing of the proposed studies."""
    from preprocessing.store.lobe_store import LobeStore

    try:
        store = LobeStore.open(hospital.store)
    except (PneumofedError, OSError) as error:
        found = str(error) if isinstance(error, PneumofedError) else f"{error.strerror}"
        return [fail("store", found, "check its path and rights")]
    scans = sum(1 for folder in (hospital.store / "studies").iterdir() if folder.name[0] != ".")
    rows = [
        ok("store", f"{scans} scans, preprocessing {store.fingerprint}")
        if scans
        else warn("store", "it holds no scans", "run `pneumofed hospital prepare`")
    ]
    if hospital.state.is_dir():
        for study in Approvals(hospital.state, hospital.limits.count_floor).all():
            wanted = study.proposal.study.preprocessing
            if wanted != store.fingerprint and study.decision != "withdrawn":
                found = f"study {study.proposal.study.name!r} needs preprocessing {wanted}"
                rows.append(fail("store", found, "prepare the scans again with the study's version"))
    return rows


def check_write_rights(folders: dict[str, Path]) -> list[CheckResult]:
    """Whether a file can be written in each folder, or in its nearest existing parent."""
    return [_check_writable(name, folder) for name, folder in folders.items()]


def _check_writable(name: str, folder: Path) -> CheckResult:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=nearest):
            return ok(f"write {name}", f"{folder} can be written")
    except OSError as error:
        remedy = f"give user {os.geteuid()} the right to write there, or free space"
        return fail(f"write {name}", f"{folder}: {error.strerror}", remedy)


def check_socket(socket: Path) -> CheckResult:
    """Whether the trainer answers at its socket, if one has been started."""
    if not socket.exists():
        return ok("socket", "no trainer has been started yet")
    if trainer_is_healthy(socket, seconds=2):
        return ok("socket", "the trainer answers")
    return warn("socket", f"{socket} exists, but no trainer answers", "start or restart the trainer")
