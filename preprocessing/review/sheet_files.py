"""The contact sheet and the doubts of each scan of a store, kept at the hospital.

    sheets/KEY.jpg     the scan's contact sheet
    sheets/KEY.json    its doubts; written last

A sheet that is missing, damaged or of other rules is made anew when its study is prepared again.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from preprocessing.pipeline import SegmentedScan
from preprocessing.review.contact_sheet import small_sheet
from preprocessing.review.scan_doubts import ScanDoubts, find_doubts
from shared_model.files import write_atomically

RULES = 1  # raise it with every change of what is doubtful


def sheet_name(key: str) -> str:
    """The path of a scan's contact sheet, from the store's folder."""
    return f"sheets/{key}.jpg"


def write_sheet(store: Path, key: str, scan: SegmentedScan) -> None:
    """Write the contact sheet and the doubts of a scan of the store, each whole or not at all.

    Raises OSError as the disk gives it.
    """
    doubts = find_doubts(scan)
    (store / "sheets").mkdir(exist_ok=True)
    write_atomically(store / sheet_name(key), small_sheet(scan, doubts))
    record = {"rules": RULES, **doubts.to_json()}
    write_atomically(store / "sheets" / f"{key}.json", json.dumps(record).encode())


def read_doubts(store: Path, key: str) -> ScanDoubts | None:
    """The doubts of a scan of the store; None if its sheet or they are missing, damaged or of other rules."""
    try:
        record = json.loads((store / "sheets" / f"{key}.json").read_bytes())
        rules, doubts = record.pop("rules"), ScanDoubts.from_json(record)
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None
    return doubts if rules == RULES and (store / sheet_name(key)).is_file() else None


def remove_sheets_of_others(store: Path, keys: Iterable[str]) -> None:
    """Remove the sheets and doubts of scans that are no longer in the store, which holds `keys`."""
    kept = set(keys)
    for ending in ("jpg", "json"):
        for path in (store / "sheets").glob(f"*.{ending}"):
            if path.stem not in kept:
                path.unlink()
