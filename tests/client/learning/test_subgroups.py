"""Which subgroups are told: the scans of each, and for the largest floors what follows from their counts.

tests/security/test_suppressed_counts.py has every count of patients up to a limit.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import pytest

from client.learning.subgroups import part_of, told_parts, told_subgroups
from preprocessing.store.scan_record import ScanRecord
from tests.support.stores import scan_of


def told(floor: int, **patients: int) -> dict[str, int]:
    """How many patients are told under each part."""
    groups = told_parts(patients, floor)
    return {name: sum(patients[part] for part in parts) for name, parts in groups.items()}


@pytest.mark.parametrize(
    ("patients", "expected"),
    [
        ({"thin": 80, "medium": 0, "thick": 0}, {"thin": 80}),  # a hospital with one scanner
        ({"thin": 75, "medium": 5, "thick": 0}, {"thin": 80}),  # 5 cannot be told from 0
        ({"thin": 20, "medium": 0, "thick": 0}, {"thin": 20}),
        ({"thin": 19, "medium": 0, "thick": 0}, {}),  # told, it would say that 9 others cannot be there
        ({"thin": 50, "medium": 0, "thick": 20}, {"thin": 50, "thick": 20}),
        ({"thin": 5, "medium": 50, "thick": 30}, {"medium": 50, "thick": 35}),
        ({"thin": 50, "medium": 0, "thick": 19}, {}),  # 50 told, the rest would follow
        ({"thin": 9, "medium": 9, "thick": 9}, {}),
    ],
)
def test_by_hand_at_a_floor_of_10(patients: dict[str, int], expected: dict[str, int]) -> None:
    assert told(10, **patients) == expected


def test_a_floor_of_1_hides_nothing() -> None:
    assert told(1, thin=1, medium=0, thick=3, unknown=2) == {"thin": 1, "thick": 3, "unknown": 2}
    assert told(1, thin=0, medium=1) == {"medium": 1}


@pytest.mark.parametrize("floor", [2, 10])
def test_what_is_told_are_all_patients_in_groups_of_the_floor(floor: int) -> None:
    for thin in range(3 * floor):
        for thick in range(3 * floor):
            for rest in (0, floor - 1, floor, 2 * floor):
                groups = told(floor, thin=thin, thick=thick, unknown=rest)
                assert sum(groups.values()) in (0, thin + thick + rest)
                assert all(count >= floor for count in groups.values())
                assert (
                    told_parts({"thin": thin, "thick": thick, "unknown": rest}, floor).keys() == groups.keys()
                )


def test_at_a_floor_of_10_the_others_of_the_last_part_may_be_any_number_below_it() -> None:
    """The construction in the proof of decision 0190, for counts beyond those that are tried one by one."""
    answers = [told(10, thin=40, medium=30 - others, thick=others) for others in range(10)]
    assert answers == [{"thin": 40, "medium": 30}] * 10
    hidden = [told(10, thin=30 - others, medium=10, thick=others) for others in range(10)]
    assert hidden == [{}] * 10


def scan(key: str, patient: float, thickness: float | None, manufacturer: str | None = "ge") -> ScanRecord:
    made = scan_of(key, "covid", slices=1, fold=patient)[0]
    return replace(made, thickness_mm=thickness, manufacturer=manufacturer)


@pytest.mark.parametrize(
    ("thickness", "part"),
    [(0.6, "thin"), (1.99, "thin"), (2.0, "medium"), (4.99, "medium"), (5.0, "thick"), (None, "unknown")],
)
def test_the_part_of_a_scan_follows_from_its_header(thickness: float | None, part: str) -> None:
    assert part_of(scan("a", 0.1, thickness), "slice-thickness") == part
    assert part_of(scan("a", 0.1, thickness), "manufacturer") == "ge"
    assert part_of(scan("a", 0.1, thickness, None), "manufacturer") == "unknown"


def test_a_patient_with_scans_of_several_parts_is_in_the_unknown_one() -> None:
    scans = [scan("a", 0.1, 1.0), scan("b", 0.1, 1.5), scan("c", 0.2, 1.0), scan("d", 0.2, 6.0)]
    scans += [scan("e", 0.3, 6.0), scan("f", 0.2, 1.0)]
    found = told_subgroups(scans, "slice-thickness", 1)
    keys: Mapping[str, set[str]] = {part: {one.key for one in members} for part, members in found.items()}
    assert keys == {"thin": {"a", "b"}, "unknown": {"c", "d", "f"}, "thick": {"e"}}
    assert not any(one & other for one, other in combinations(keys.values(), 2))
