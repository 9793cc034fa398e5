"""The divisions: every scanner and thickness has a part, every part a name of its own."""

from shared_model.constants import MANUFACTURERS
from shared_model.subgroups import DIVISION_WORDS, PART_WORDS, PARTS, UNKNOWN, thickness_part


def test_every_part_is_of_one_division_and_has_words() -> None:
    of_one = [part for parts in PARTS.values() for part in parts if part != UNKNOWN]
    assert len(of_one) == len(set(of_one)) and {*of_one, UNKNOWN} == set(PART_WORDS)
    assert PARTS.keys() == DIVISION_WORDS.keys() and all(parts[-1] == UNKNOWN for parts in PARTS.values())
    assert set(MANUFACTURERS) <= set(PARTS["manufacturer"])


def test_every_thickness_is_in_one_part() -> None:
    found = [thickness_part(mm) for mm in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.9, 5.0, 8.0, None)]
    assert found == ["thin"] * 3 + ["medium"] * 4 + ["thick"] * 2 + [UNKNOWN]
    assert set(found) == set(PARTS["slice-thickness"])
