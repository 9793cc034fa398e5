"""The list of a store's scans, most doubtful first: review.csv, and review.html with the contact sheets."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from preprocessing.review.scan_doubts import ScanDoubts
from preprocessing.review.sheet_files import read_doubts, sheet_name
from shared_model.files import write_atomically

COLUMNS = ("key", "labels_row", "slices", "doubtful_ml", "doubts", "sheet")
NO_SHEET = "no sheet; prepare its study again"


@dataclass(frozen=True)
class ReviewedScan:
    """A stored scan with its doubts.

    `row` is its study's line in labels.csv, None if labels.csv no longer names it. `doubts` is None if the
    scan has no sheet.
    """

    key: str
    row: int | None
    doubts: ScanDoubts | None

    @property
    def doubtful_ml(self) -> float:
        """Volume in doubt, ml; 0 for a scan without a sheet."""
        return self.doubts.doubtful_ml if self.doubts else 0.0

    @property
    def sheet(self) -> str:
        """The path of the contact sheet, from the store's folder."""
        return sheet_name(self.key)

    @property
    def title(self) -> str:
        """Volume in doubt, key and row, in words."""
        row = "" if self.row is None else f", row {self.row} of the labels"
        return f"{self.doubtful_ml:.1f} ml in doubt in {self.key}{row}"

    @property
    def text(self) -> str:
        """The doubts in words: each kind with its slices, counted from the feet; empty if there are none."""
        if self.doubts is None:
            return NO_SHEET
        slices = {kind: [d.slice for d in self.doubts.doubts if d.kind == kind] for kind in self.doubts.kinds}
        return "; ".join(f"{kind} {ranges(numbers)}" for kind, numbers in slices.items())


def review(store: Path, keys: Iterable[str], rows: Mapping[str, int]) -> list[ReviewedScan]:
    """The scans `keys` of a store, those with the largest volume in doubt first; without a sheet last.

    `rows` has the lines of labels.csv by key.
    """
    scans = [ReviewedScan(key, rows.get(key), read_doubts(store, key)) for key in keys]
    return sorted(scans, key=lambda scan: (scan.doubts is None, -scan.doubtful_ml, scan.key))


def write_review(store: Path, scans: Sequence[ReviewedScan]) -> None:
    """Write review.csv and review.html, each atomically, into a store's folder."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(
        (s.key, s.row, s.doubts and s.doubts.slices, f"{s.doubtful_ml:.1f}", s.text, s.sheet) for s in scans
    )
    write_atomically(store / "review.csv", text.getvalue().encode())
    write_atomically(store / "review.html", render(scans).encode())


def render(scans: Sequence[ReviewedScan]) -> str:
    """The page as HTML, without scripts; it shows the sheets beside it in the store's folder."""
    environment = Environment(
        loader=PackageLoader("preprocessing.review"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    doubtful = [scan for scan in scans if scan.doubts and scan.doubts.doubts]
    others = [scan for scan in scans if scan not in doubtful]
    return environment.get_template("review.html.j2").render(doubtful=doubtful, others=others)


def doubt_document(scan: ReviewedScan) -> dict[str, Any]:
    """What `prepare --json` says of a doubtful scan; it stays in the hospital."""
    doubts = scan.doubts or ScanDoubts(0, ())
    return {
        "key": scan.key,
        "row": scan.row,
        "slices": doubts.doubtful_slices,
        "kinds": doubts.kinds,
        "doubtful_ml": round(scan.doubtful_ml, 2),
    }


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers, runs of them shortened: "3, 7-12"."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
