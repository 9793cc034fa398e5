"""Which subgroups of a class a hospital tells of, so that no count of patients below the floor follows.

The whole class is told too, so what is left after the parts that are told is known by subtraction
(docs/decisions/0190 has the rule and its proof).
"""

from collections.abc import Mapping, Sequence

from preprocessing.store.scan_record import ScanRecord
from shared_model.subgroups import PARTS, UNKNOWN, Division, least_of_last_part, thickness_part


def part_of(scan: ScanRecord, division: Division) -> str:
    """The part of `division` that a scan belongs to."""
    if division == "slice-thickness":
        return thickness_part(scan.thickness_mm)
    return scan.manufacturer or UNKNOWN


def told_parts(patients: Mapping[str, int], floor: int) -> dict[str, tuple[str, ...]]:
    """The parts that are told of a class, each with the parts whose patients are told under its name.

    patients: of each part, in the order of PARTS. A part is told alone if it and what is left without it have
    `floor` patients. The rest is told under the name of a part that all but fewer than `floor` of it belong
    to, if it has `least_of_last_part` patients. If there is no such part, the class is told by none.
    """
    told: dict[str, tuple[str, ...]] = {}
    left = dict(patients)
    for part, count in patients.items():
        if count >= floor and sum(left.values()) - count >= floor:
            told[part] = (part,)
            del left[part]
    total = sum(left.values())
    most = [part for part, count in left.items() if total - count < floor]
    if not most or total < least_of_last_part(floor):
        return {}
    return told | {most[0]: tuple(left)}


def told_subgroups(
    scans: Sequence[ScanRecord], division: Division, floor: int
) -> dict[str, list[ScanRecord]]:
    """The scans of one class by the part that they are told under; empty if the class is told by none.

    scans: of at least `floor` patients.
    """
    part_of_patient = _parts_of_patients(scans, division)
    parts = list(part_of_patient.values())
    told = told_parts({part: parts.count(part) for part in PARTS[division]}, floor)
    return {
        name: [scan for scan in scans if part_of_patient[scan.fold] in members]
        for name, members in told.items()
    }


def _parts_of_patients(scans: Sequence[ScanRecord], division: Division) -> dict[float, str]:
    """The part of each patient, by fold: that of all of the patient's scans, UNKNOWN if they differ."""
    found: dict[float, str] = {}
    for scan in scans:
        part = part_of(scan, division)
        found[scan.fold] = part if found.get(scan.fold, part) == part else UNKNOWN
    return found
