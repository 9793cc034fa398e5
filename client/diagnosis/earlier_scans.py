"""Which studies of a folder are earlier scans of the same patient."""

from collections.abc import Mapping
from dataclasses import dataclass

from preprocessing.study_preparation.identifiers import StudyIdentifiers
from preprocessing.study_preparation.patients import patients_of


@dataclass(frozen=True)
class EarlierScan:
    """study: the name of its folder; days: how many days before."""

    study: str
    days: int


def earlier_scans(studies: Mapping[str, StudyIdentifiers]) -> dict[str, tuple[EarlierScan, ...]]:
    """The earlier scans of each study by its folder's name, the most recent first.

    Two studies are of one patient only if their PatientID tells patients apart (decision 0110): it is not
    blank, no placeholder, not shared by studies of another sex or birth date, nor by all of three or more
    studies. An earlier study has another StudyInstanceUID and an earlier StudyDate; a study without a date
    has none and is none.
    """
    patients = patients_of(studies)
    told_apart = {name: one.identity for name, one in patients.items() if not one.flag}
    found = {}
    for name, identity in told_apart.items():
        same = [other for other in told_apart if told_apart[other] == identity]
        scans = [scan for other in same if (scan := _earlier(other, studies[other], studies[name]))]
        found[name] = tuple(sorted(scans, key=lambda scan: (scan.days, scan.study)))
    return found


def _earlier(name: str, before: StudyIdentifiers, now: StudyIdentifiers) -> EarlierScan | None:
    if before.day is None or now.day is None or before.study_uid == now.study_uid:
        return None
    days = (now.day - before.day).days
    return EarlierScan(name, days) if days > 0 else None
