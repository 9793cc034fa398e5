"""A cap on the share that one hospital has in a mean: declaring more scans buys no more say than that."""

import math
from collections.abc import Sequence
from fractions import Fraction


def most_say(says: Sequence[int], max_share: float) -> int:
    """The largest whole say that a hospital may have if none shall have more than `max_share` of all says.

    says: of all hospitals in the mean, each at least 1; whoever has more is counted with the result. The says
    of the others stay. Among n hospitals a share below 1 / n cannot hold: all then count alike, with the
    smallest say. Nothing but the says decides, in any order.
    """
    share, falling = _exact(max_share), sorted(says, reverse=True)
    if share * len(falling) <= 1:
        return falling[-1]
    rest = sum(falling)
    capped, say = 0, share * rest
    while falling[capped] > say:
        # With one more hospital at say c, c = share x (capped x c + rest).
        rest -= falling[capped]
        capped += 1
        say = share * rest / (1 - share * capped)
    return max(falling[-1], math.floor(say))


def most_capped(max_share: float) -> int:
    """How many hospitals `most_say` can lower at most, whatever their number: each has that share or more."""
    return 0 if max_share == 1 else int(1 / _exact(max_share))


def _exact(share: float) -> Fraction:
    """The share as it is written: 3/5 for 0.6, which as a binary number is a little less."""
    return Fraction(str(share))
