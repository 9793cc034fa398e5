"""Types of a stored scan: its geometry (`ScanRecord`), its lobes' arrays (`LobeArrays`), its pseudonyms."""

import hashlib
import hmac
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOBE_FIELDS = {
    "slice_index": np.int16,
    "side": np.uint8,
    "box": np.int16,
    "scale": np.float32,
    "offset": np.int16,
    "area": np.int32,
}


@dataclass(frozen=True)
class ScanRecord:
    """One pseudonymised scan: `key` and `fold` are keyed hashes of its series and of its patient.

    `fold` in [0, 1) is equal for all scans of a patient, so a split by fold is a split by patient.
    `slices`, `shape` (rows, columns) and `spacing_mm` (slice, row, column) are the original scan's.
    Per lobe, in order of (slice, side): `slice_index` int16, `side` uint8 (0 right, 1 left), `box` int16
    [lobe, 4] (row0, column0, row1, column1), `scale` float32, `offset` int16 [lobe, 2] (see crop.Crop),
    `area` int32, pixels of lung in the scan's slice. `flags` name what is unusual but usable.
    """

    key: str
    fold: float
    label: str
    slices: int
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int]
    slice_index: NDArray[np.int16]
    side: NDArray[np.uint8]
    box: NDArray[np.int16]
    scale: NDArray[np.float32]
    offset: NDArray[np.int16]
    area: NDArray[np.int32]
    flags: tuple[str, ...] = ()
    source: str = ""  # keyed hash of its study folder: distinguishes a resumed study from a duplicate
    pixels: str = ""  # keyed hash of its grey values: the same scan has the same, whatever its UIDs
    manufacturer: str | None = (
        None  # one of constants.MANUFACTURERS; None: not known, as in stores of format 3
    )
    thickness_mm: float | None = None  # SliceThickness; None likewise

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable dict, the inverse of `from_json`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ScanRecord":
        """The record of `values` as written by `to_json`. Raises TypeError, KeyError or ValueError."""
        arrays = {name: np.array(values[name], dtype) for name, dtype in _LOBE_FIELDS.items()}
        lobes = len(arrays["slice_index"])
        arrays["box"] = arrays["box"].reshape(lobes, 4)
        arrays["offset"] = arrays["offset"].reshape(lobes, 2)
        tuples = {name: tuple(values[name]) for name in ("spacing_mm", "shape", "flags")}
        return cls(**{**values, **arrays, **tuples})


@dataclass(frozen=True)
class LobeArrays:
    """The arrays of n lobes that training reads.

    `images` uint16 [n, 3, 256, 256], 0 (air) to 2048, density normalised as the settings say: slices i-1, i,
    i+1 in slice i's box, edge slices repeated. `mask` bool, `distance` uint8 (Manhattan pixels to the
    periphery) and `semi_infection` bool are [n, 256, 256] for slice i.
    """

    images: NDArray[np.uint16]
    mask: NDArray[np.bool_]
    distance: NDArray[np.uint8]
    semi_infection: NDArray[np.bool_]


@dataclass(frozen=True)
class Pseudonyms:
    """Keyed hashes (HMAC-SHA256) that replace identifiers; `secret` never leaves the hospital."""

    secret: bytes

    def key(self, series_uid: str, patient_id: str) -> str:
        """Pseudonym of one series of one patient: 16 hex digits."""
        return self._digest("series", series_uid, patient_id).hex()[:16]

    def fold(self, patient_id: str) -> float:
        """A number in [0, 1) for the patient, independent of the other scans."""
        return int.from_bytes(self._digest("patient", patient_id)[:6], "big") / 2**48

    def source(self, name: str) -> str:
        """Pseudonym of a study's folder name: 16 hex digits."""
        return self._digest("source", name).hex()[:16]

    def pixels(self, digest: bytes) -> str:
        """Pseudonym of a scan's grey values, of which `digest` is a hash: 16 hex digits."""
        return self._digest("pixels", digest.hex()).hex()[:16]

    def _digest(self, *parts: str) -> bytes:
        # Length prefixes distinguish ("ab", "c") from ("a", "bc").
        message = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.new(self.secret, message.encode(), hashlib.sha256).digest()
