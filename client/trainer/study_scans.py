"""The scans that a study works on: those that the store had when its first task after an approval began.

    STATE/scans/FINGERPRINT.json    when the study was approved, and of each scan, by its key, its label and,
                                    if the study tells of subgroups, its part

If scans that come later took part, or in another part, two answers to the same question, or to nearly the
same, would differ by what a single patient's scans show.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.learning.subgroups import part_of
from preprocessing.store.scan_record import ScanRecord
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.subgroups import Division


def scans_of_study(
    state: Path,
    study: str,
    approved_at: float | None,
    scans: Sequence[ScanRecord],
    division: Division | None = None,
) -> list[ScanRecord]:
    """Those of the store's `scans` that the study works on; study: the proposal's fingerprint; division: the
    study's.

    Raises PneumofedError `scans-changed` if one of them is not there any more or has another label or part.
    """
    path = state / "scans" / f"{study}.json"
    known = _known(path)
    if known is None or known["approved_at"] != approved_at:
        known = {"approved_at": approved_at, "labels": {scan.key: _label(scan, division) for scan in scans}}
        path.parent.mkdir(exist_ok=True, mode=0o700)
        write_atomically(path, json.dumps(known).encode(), mode=0o600)
    labels = known["labels"]
    found = [scan for scan in scans if scan.key in labels]
    if {scan.key: _label(scan, division) for scan in found} != labels:
        raise PneumofedError(
            "scans-changed",
            "scans of the study are gone, or their labels or subgroups are others than when it was approved; "
            "withdraw and approve it again to go on with the store as it is now",
        )
    return found


def _label(scan: ScanRecord, division: Division | None) -> str:
    return scan.label if division is None else f"{scan.label}/{part_of(scan, division)}"


def _known(path: Path) -> dict[str, Any] | None:
    """What the file holds, None if there is none. Raises PneumofedError `state-damaged`."""
    try:
        known = json.loads(path.read_bytes())
        return {"approved_at": known["approved_at"], "labels": dict(known["labels"])}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise PneumofedError(
            "state-damaged", f"{path.name} in scans/ cannot be read; withdraw, delete it and approve again"
        ) from None
