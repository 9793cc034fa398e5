"""Diagnosed studies in the order in which a reader reads them, with what they may see of the model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from client.diagnosis.earlier_scans import EarlierScan
from client.reading_room.model_verdict import ModelVerdict
from client.reading_room.reading_log import Reading
from client.reading_room.studies import RoomStudy

Readings = Mapping[tuple[str, str], Reading]
"""A reader's readings by study and made_of."""


@dataclass(frozen=True)
class EarlierRow:
    """An earlier scan of the same patient. infected_ml: None if it may not be seen, or there is none."""

    study: str
    days: int
    infected_ml: float | None


@dataclass(frozen=True)
class ListRow:
    """One study. reading: the reader's own. verdict: the model's; None if the reader may not see it."""

    study: RoomStudy
    reading: Reading | None
    verdict: ModelVerdict | None
    earlier: tuple[EarlierRow, ...]


@dataclass(frozen=True)
class ReadingList:
    """rows: the diagnosed studies. undiagnosed: the others, as they arrived."""

    rows: list[ListRow]
    undiagnosed: list[RoomStudy]


@dataclass(frozen=True)
class ListFilter:
    """Which rows are shown; "" for all. What the model said is asked of rows only that show it.

    label: verdict. uncertain: "yes" or "no". flag: of the series, or what limits the verdict. read: "read" or
    "unread".
    """

    label: str = ""
    uncertain: str = ""
    flag: str = ""
    read: str = ""

    def matches(self, row: ListRow) -> bool:
        """Whether the row is shown."""
        if self.read and self.read != ("unread" if row.reading is None else "read"):
            return False
        if not (self.label or self.uncertain or self.flag):
            return True
        verdict = row.verdict
        return (
            verdict is not None
            and self.label in ("", verdict.label)
            and self.uncertain in ("", "yes" if verdict.uncertain else "no")
            and (not self.flag or self.flag in verdict.flags + verdict.limits)
        )


def reading_list(
    studies: Mapping[str, RoomStudy],
    earlier: Mapping[str, tuple[EarlierScan, ...]],
    readings: Readings,
    *,
    blinded: bool,
) -> ReadingList:
    """The studies as a reader reads them.

    blinded: studies that the reader has not read come first, as they arrived; their verdict is left out, here
    and where they are the earlier scan of another one. The rest, or all, are by priority, infected volume and
    probability of disease, as in worklist.csv.
    """
    visible = {name: _visible(study, readings, blinded=blinded) for name, study in studies.items()}
    rows = [
        ListRow(
            study,
            readings.get((name, study.verdict.made_of)),
            visible[name],
            _earlier_rows(earlier.get(name, ()), visible, shown=visible[name] is not None),
        )
        for name, study in studies.items()
        if study.verdict is not None
    ]
    undiagnosed = [study for study in studies.values() if study.verdict is None]
    return ReadingList(sorted(rows, key=_order), sorted(undiagnosed, key=lambda study: study.arrived))


def flags_of(rows: Iterable[ListRow]) -> list[str]:
    """All flags and limits that the rows show, sorted."""
    return sorted({flag for row in rows if row.verdict for flag in row.verdict.flags + row.verdict.limits})


def _visible(study: RoomStudy, readings: Readings, *, blinded: bool) -> ModelVerdict | None:
    if study.verdict is None or (blinded and (study.name, study.verdict.made_of) not in readings):
        return None
    return study.verdict


def _earlier_rows(
    earlier: Iterable[EarlierScan], visible: Mapping[str, ModelVerdict | None], *, shown: bool
) -> tuple[EarlierRow, ...]:
    rows = []
    for scan in earlier:
        verdict = visible.get(scan.study) if shown else None
        rows.append(EarlierRow(scan.study, scan.days, None if verdict is None else verdict.infected_ml))
    return tuple(rows)


def _order(row: ListRow) -> tuple[float, ...]:
    if row.verdict is None:
        return 0, row.study.arrived
    verdict = row.verdict
    return 1, verdict.priority, -(verdict.infected_ml or 0.0), -verdict.probability_diseased
