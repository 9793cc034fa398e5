"""No count below the floor is told."""

import pytest

from client.trainer.told_counts import count_in_words, told


@pytest.mark.parametrize(
    ("count", "floor", "words"),
    [(0, 10, "fewer than 10"), (9, 10, "fewer than 10"), (10, 10, "10"), (11, 10, "11"), 
     (0, 1, "fewer than 1"), (1, 1, "1")],
)  # fmt: skip
def test_below_the_floor_is_one_answer_zero_included(count: int, floor: int, words: str) -> None:
    assert count_in_words(told(count, floor), floor) == words
