"""Cohen's kappa against scikit-learn, statsmodels, a published example and the bootstrap."""

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from shared_model.metrics.kappa import cohen_kappa


def pairs_of(table: Sequence[Sequence[int]]) -> list[tuple[str, str]]:
    """Pairs of categories "0", "1", ... from counts [first, second]."""
    return [
        (str(row), str(column))
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]


def random_pairs(seed: int, categories: int, scans: int) -> list[tuple[str, str]]:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, categories, scans)
    second = np.where(rng.random(scans) < 0.6, first, rng.integers(0, categories, scans))
    return [(str(one), str(other)) for one, other in zip(first, second, strict=True)]


def test_the_example_of_fleiss_cohen_and_everitt() -> None:
    """Their table 1, 200 patients: kappa 0.429, variance 0.002885."""
    kappa = cohen_kappa(pairs_of([[106, 10, 4], [22, 28, 10], [2, 12, 6]]))
    assert kappa.value == pytest.approx(0.429, abs=5e-4) and (kappa.n, kappa.agreed) == (200, 140)
    half = 1.959964 * 0.002885**0.5
    assert kappa.low == pytest.approx(0.429 - half, abs=1e-3)
    assert kappa.high == pytest.approx(0.429 + half, abs=1e-3)


@pytest.mark.parametrize("categories", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_value_and_interval_are_those_of_the_libraries(seed: int, categories: int) -> None:
    pairs = random_pairs(seed, categories, 40)
    kappa = cohen_kappa(pairs)
    assert kappa.value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    table = np.zeros((categories, categories))
    for one, other in pairs:
        table[int(one), int(other)] += 1
    expected = cohens_kappa(table)
    assert (kappa.low, kappa.high) == pytest.approx((expected.kappa_low, min(1.0, expected.kappa_upp)))


def test_the_interval_is_that_of_the_bootstrap() -> None:
    pairs = random_pairs(1, 3, 400)
    kappa = cohen_kappa(pairs)
    rng = np.random.default_rng(2)
    draws = [
        cohen_kappa_score(*zip(*(pairs[index] for index in rng.integers(0, 400, 400)), strict=True))
        for _ in range(400)
    ]
    assert (kappa.low, kappa.high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), abs=0.02)


def test_who_is_first_makes_no_difference() -> None:
    pairs = random_pairs(3, 3, 50)
    one, other = cohen_kappa(pairs), cohen_kappa([(second, first) for first, second in pairs])
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_an_interval_ends_where_kappa_does() -> None:
    kappa = cohen_kappa(pairs_of([[1, 1], [0, 9]]))
    assert kappa.high == 1.0 and kappa.low is not None and kappa.low < 1.0
    kappa = cohen_kappa(pairs_of([[0, 3], [3, 1]]))
    assert kappa.low is not None and -1.0 <= kappa.low < 0


@pytest.mark.parametrize(
    ("table", "why"),
    [([], "no scan was rated by both"), ([[5]], "both called all scans the same, so chance explains it all")],
)
def test_what_is_undefined_says_why(table: list[list[int]], why: str) -> None:
    kappa = cohen_kappa(pairs_of(table))
    assert (kappa.value, kappa.low, kappa.high, kappa.undefined) == (None, None, None, why)


def test_complete_agreement_has_a_value_and_no_interval() -> None:
    kappa = cohen_kappa(pairs_of([[3, 0], [0, 4]]))
    assert (kappa.value, kappa.low, kappa.high) == (1.0, None, None)
    assert kappa.no_interval == "they agree on all scans, so the formula has no width"


def test_one_rater_who_always_says_the_same_agrees_by_chance() -> None:
    kappa = cohen_kappa(pairs_of([[3, 0], [4, 0]]))
    assert kappa.value == 0.0 and kappa.undefined is None
