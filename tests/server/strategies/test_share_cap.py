"""The cap on a hospital's share, by its definition."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.strategies.share_cap import most_capped, most_say

says_of = st.lists(st.integers(1, 2**16), min_size=1, max_size=12)
shares = st.floats(0.05, 1.0)


def counted(says: list[int], most: int) -> list[int]:
    return [min(say, most) for say in says]


@given(says_of, shares, st.randoms(use_true_random=False))
def test_nobody_has_more_than_the_share_and_nobody_is_lowered_further_than_needed(
    says: list[int], share: float, random: Random
) -> None:
    most = most_say(says, share)
    found = counted(says, most)
    assert most_say(random.sample(says, len(says)), share) == most
    if Fraction(str(share)) * len(says) <= 1:
        assert set(found) == {min(says)}  # such a share cannot hold
        return
    assert max(found) <= Fraction(str(share)) * sum(found)
    higher = counted(says, most + 1)
    assert higher == found or max(higher) > Fraction(str(share)) * sum(higher)
    assert sum(say > most for say in says) <= most_capped(share)


@pytest.mark.parametrize(
    ("says", "share", "expected"),
    [
        ([2**16, 30, 20, 10], 0.6, [90, 30, 20, 10]),
        ([300, 200], 0.6, [300, 200]),  # 60 % exactly
        ([1000, 10], 0.6, [15, 10]),
        ([1000, 10], 0.5, [10, 10]),
        ([1000, 10], 0.4, [10, 10]),
        ([7], 0.6, [7]),
        ([1, 1], 0.6, [1, 1]),
        ([1688, 514, 379, 188, 38], 0.6, [1678, 514, 379, 188, 38]),  # Table 2, with pneumonia: 60.1 %
        ([1688, 514, 513, 438, 188, 38], 0.6, [1688, 514, 513, 438, 188, 38]),  # all scans: 49.96 %
        ([2**16, 2**16, 10, 10, 10], 0.4, [60, 60, 10, 10, 10]),
        ([2**16, 2**16, 1], 1.0, [2**16, 2**16, 1]),
    ],
)
def test_shares_by_hand(says: list[int], share: float, expected: list[int]) -> None:
    assert counted(says, most_say(says, share)) == expected
