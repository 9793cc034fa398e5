"""The order of the list, and that nothing of it tells what the model said of a scan that is unread."""

from dataclasses import replace
from pathlib import Path

import pytest

from client.diagnosis.earlier_scans import EarlierScan
from client.reading_room.reading_list import ListFilter, ListRow, flags_of, reading_list
from client.reading_room.reading_log import Reading
from client.reading_room.studies import RoomStudy
from tests.support.reading_room import reading_of, verdict_of

NOWHERE = Path("/nowhere")


def study(name: str, arrived: float, label: str = "", **changes: object) -> RoomStudy:
    verdict = verdict_of(label, made_of=f"of-{name}", **changes) if label else None
    state = "diagnosed" if label else "waiting"
    return RoomStudy(name, NOWHERE, NOWHERE, False, arrived, state, verdict=verdict)


STUDIES = {
    one.name: one
    for one in (
        study("healthy", 1, "healthy", priority=4, infected_ml=0.0),
        study("small", 2, "covid", priority=1, infected_ml=10.0),
        study("large", 3, "other", priority=1, infected_ml=90.0, flags=("uneven-spacing",)),
        study("unsure", 4, "covid", priority=2, infected_ml=50.0, uncertain=True, limits=("one-lung",)),
        study("waiting", 0),
    )
}
EARLIER = {
    "large": (EarlierScan("small", 30), EarlierScan("healthy", 60)),
    "small": (EarlierScan("healthy", 7),),
}


def read(*names: str) -> dict[tuple[str, str], Reading]:
    return {(name, f"of-{name}"): reading_of("ada", name) for name in names}


def rows(*names: str, blinded: bool = True) -> list[ListRow]:
    return reading_list(STUDIES, EARLIER, read(*names), blinded=blinded).rows


def test_unread_scans_come_as_they_arrived_and_say_nothing_of_the_model() -> None:
    found = rows()
    assert [row.study.name for row in found] == ["healthy", "small", "large", "unsure"]
    assert all(row.verdict is None and row.reading is None for row in found)
    assert [one.infected_ml for row in found for one in row.earlier] == [None, None, None]
    assert flags_of(found) == []


def test_the_order_of_unread_scans_does_not_depend_on_the_model() -> None:
    turned = {
        name: replace(one, verdict=replace(one.verdict, priority=5 - one.verdict.priority, infected_ml=1.0))
        for name, one in STUDIES.items()
        if one.verdict is not None
    }
    assert [row.study.name for row in reading_list(turned, EARLIER, {}, blinded=True).rows] == [
        row.study.name for row in rows()
    ]


def test_read_scans_follow_by_priority_with_all() -> None:
    found = rows("healthy", "unsure", "large")
    assert [row.study.name for row in found] == ["small", "large", "unsure", "healthy"]
    assert [row.verdict is not None for row in found] == [False, True, True, True]
    large = found[1]
    # Of the two earlier scans one is unread: its figures stay hidden here too.
    assert [(one.study, one.days, one.infected_ml) for one in large.earlier] == [
        ("small", 30, None), ("healthy", 60, 0.0),
    ]  # fmt: skip
    assert [one.infected_ml for one in found[0].earlier] == [None]  # none beside an unread scan
    assert flags_of(found) == ["one-lung", "uneven-spacing"]


def test_a_reading_of_another_diagnosis_does_not_show_this_one() -> None:
    other = {("small", "of-another-model"): reading_of("ada", "small")}
    found = reading_list(STUDIES, EARLIER, other, blinded=True).rows
    assert all(row.verdict is None for row in found)


def test_what_is_not_diagnosed_stands_apart() -> None:
    assert [one.name for one in reading_list(STUDIES, {}, {}, blinded=True).undiagnosed] == ["waiting"]


def test_without_blinding_all_are_by_priority() -> None:
    found = rows("small", blinded=False)
    assert [row.study.name for row in found] == ["large", "small", "unsure", "healthy"]
    assert all(row.verdict is not None for row in found)
    assert [one.infected_ml for one in found[0].earlier] == [10.0, 0.0]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (ListFilter(), ["small", "large", "unsure", "healthy"]),
        (ListFilter(read="unread"), ["small"]),
        (ListFilter(read="read"), ["large", "unsure", "healthy"]),
        (ListFilter(label="covid"), ["unsure"]),  # small is called so too, but is unread
        (ListFilter(label="healthy", read="unread"), []),
        (ListFilter(uncertain="yes"), ["unsure"]),
        (ListFilter(uncertain="no"), ["large", "healthy"]),
        (ListFilter(flag="uneven-spacing"), ["large"]),
        (ListFilter(flag="one-lung", label="covid", uncertain="yes", read="read"), ["unsure"]),
        (ListFilter(flag="one-lung", label="other"), []),
    ],
)  # fmt: skip
def test_filters_find_what_is_shown(wanted: ListFilter, names: list[str]) -> None:
    found = rows("healthy", "unsure", "large")
    assert [row.study.name for row in found if wanted.matches(row)] == names
