import itertools
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from server.strategies.fed_avg import LARGEST_WEIGHT, MOST_HOSPITALS, MOST_SCANS_IN_ALL, FedAvg, Mean, fed_avg
from server.strategies.share_cap import most_say
from shared_model.errors import PneumofedError
from shared_model.weights import fingerprint
from tests.support.fake_sites import SHAPES, weights_of

TINIEST = 2.0**-64  # the mean is exact to this
BOTH = {"diseased": 3, "covid": 1}

values = hnp.arrays(
    np.float32,
    (5,),
    elements=st.floats(-LARGEST_WEIGHT, LARGEST_WEIGHT, width=32, allow_nan=False, allow_subnormal=False),
)
Updates = Sequence[tuple[NDArray[np.float32], int]]
replies = st.lists(st.tuples(values, st.integers(1, 4000)), min_size=1, max_size=6)


def mean_of(updates: Updates) -> NDArray[np.float32]:
    average = FedAvg({"diseased/w": np.zeros(5, np.float32)})
    for array, scans in updates:
        average.add({"diseased/w": array}, {"diseased": scans})
    return average.result()["diseased/w"]


def test_agrees_with_numpy_per_network() -> None:
    scans = {
        "a": {"diseased": 31, "covid": 20},
        "b": {"diseased": 400, "covid": 0},
        "c": {"diseased": 7, "covid": 7},
    }
    sent = {name: weights_of(i) for i, name in enumerate(scans)}
    del sent["b"]["covid/lobe.weight"], sent["b"]["covid/shared.weight"]
    result = fed_avg(weights_of(9), {name: (sent[name], scans[name]) for name in scans})
    for name in SHAPES:
        network = name.split("/")[0]
        who = [h for h in scans if scans[h][network]]
        expected = np.average(
            [sent[h][name].astype(np.float64) for h in who], axis=0, weights=[scans[h][network] for h in who]
        )
        assert result[name].dtype == np.float32
        np.testing.assert_allclose(result[name], expected, rtol=2**-23)


def test_a_hospital_without_scans_has_no_say_even_if_it_returns_arrays() -> None:
    old, a, b = weights_of(0), weights_of(1), weights_of(2)
    result = fed_avg(old, {"a": (a, BOTH), "b": (b, {"diseased": 5, "covid": 0})})
    np.testing.assert_array_equal(result["covid/lobe.weight"], a["covid/lobe.weight"])
    assert not np.array_equal(result["diseased/lobe.weight"], a["diseased/lobe.weight"])
    alone = fed_avg(old, {"b": (b, {"diseased": 5, "covid": 0})})
    np.testing.assert_array_equal(alone["covid/lobe.weight"], old["covid/lobe.weight"])


def test_what_nobody_learned_stays() -> None:
    old = weights_of(0)
    update = {"diseased/fine_infection.weight": np.ones((2, 2), np.float32)}
    result = fed_avg(old, {"a": (update, {"diseased": 4})})
    assert list(result) == list(old)
    np.testing.assert_array_equal(result["diseased/fine_infection.weight"], 1)
    for name in SHAPES.keys() - update.keys():
        np.testing.assert_array_equal(result[name], old[name])


def test_every_order_gives_the_same_bits() -> None:
    """Many terms of very different size: plain float64 sums would differ in the last bit."""
    sent = {str(i): (weights_of(i), {"diseased": 10**i + 1, "covid": i + 1}) for i in range(5)}
    prints = {
        fingerprint(fed_avg(weights_of(9), {name: sent[name] for name in order}))
        for order in itertools.permutations(sent)
    }
    assert len(prints) == 1


def test_what_large_terms_leave_is_not_lost_in_any_order() -> None:
    """Sums in float64 lose the small term in four of these six orders."""
    terms = [(1024.0, 4000), (-1024.0, 4000), (2.0**-35, 1)]
    for order in itertools.permutations(terms):
        mean = mean_of([(np.full(5, value, np.float32), scans) for value, scans in order])
        np.testing.assert_array_equal(mean, np.float32(2.0**-35 / 8001))


@given(replies, st.randoms(use_true_random=False))
def test_order_does_not_matter(updates: Updates, random: Random) -> None:
    shuffled = random.sample(updates, len(updates))
    assert mean_of(updates).tobytes() == mean_of(shuffled).tobytes()


@given(replies)
def test_agrees_with_numpy(updates: Updates) -> None:
    arrays, scans = zip(*updates, strict=True)
    expected = np.average(np.array(arrays, np.float64), axis=0, weights=scans)
    np.testing.assert_allclose(mean_of(updates), expected, rtol=2**-23, atol=1e-12)


@given(values, st.lists(st.integers(1, 4000), min_size=1, max_size=6))
def test_the_mean_of_equal_weights_is_that_weight(array: NDArray[np.float32], scans: list[int]) -> None:
    np.testing.assert_allclose(mean_of([(array, n) for n in scans]), array, rtol=0, atol=TINIEST)


@given(replies, st.integers(2, 50))
def test_only_the_ratio_of_scans_matters(updates: Updates, factor: int) -> None:
    scaled = [(array, scans * factor) for array, scans in updates]
    np.testing.assert_allclose(mean_of(scaled), mean_of(updates), rtol=2**-23, atol=TINIEST)


@given(replies)
def test_the_mean_lies_between_the_extremes(updates: Updates) -> None:
    arrays = np.array([array for array, _ in updates])
    mean = mean_of(updates)
    assert (mean >= arrays.min(axis=0) - TINIEST).all() and (mean <= arrays.max(axis=0) + TINIEST).all()


def test_beyond_the_exact_range_is_refused_and_not_counted() -> None:
    average = FedAvg(weights_of(0))
    average.add(weights_of(1), BOTH)
    with pytest.raises(PneumofedError) as refusal:
        average.add(weights_of(2), {"diseased": MOST_SCANS_IN_ALL, "covid": 1})
    assert refusal.value.code == "too-many-scans"
    assert fingerprint(average.result()) == fingerprint(weights_of(1))


def test_more_hospitals_than_the_exact_range_allows_are_refused() -> None:
    average, one = FedAvg({"diseased/w": np.zeros(1, np.float32)}), {"diseased/w": np.ones(1, np.float32)}
    for _ in range(MOST_HOSPITALS):
        average.add(one, {"diseased": 1})
    with pytest.raises(PneumofedError) as refusal:
        average.add(one, {"diseased": 1})
    assert refusal.value.code == "too-many-scans"


def capped_mean(updates: Updates, share: float) -> NDArray[np.float32]:
    average = FedAvg({"diseased/w": np.zeros(5, np.float32)}, share)
    for array, scans in updates:
        average.add({"diseased/w": array}, {"diseased": scans})
    return average.result()["diseased/w"]


@given(replies, st.sampled_from([0.2, 0.34, 0.5, 0.6, 0.9]), st.randoms(use_true_random=False))
def test_a_capped_mean_is_that_of_the_capped_says_in_any_order(
    updates: Updates, share: float, random: Random
) -> None:
    most = most_say([scans for _, scans in updates], share)
    expected = mean_of([(array, min(scans, most)) for array, scans in updates])
    assert capped_mean(updates, share).tobytes() == expected.tobytes()
    shuffled = random.sample(updates, len(updates))
    assert capped_mean(shuffled, share).tobytes() == expected.tobytes()


def test_no_more_updates_are_held_than_can_be_capped() -> None:
    average = FedAvg({"diseased/w": np.zeros(5, np.float32)}, 0.4)
    for scans in range(1, 30):
        average.add({"diseased/w": np.ones(5, np.float32)}, {"diseased": scans})
    assert [scans for scans, _ in average.means["diseased/w"].held] == [28, 29]


def test_an_update_that_was_added_by_half_spoils_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    average = FedAvg(weights_of(0))
    average.add(weights_of(1), BOTH)
    calls = []

    def add(mean: Mean, array: NDArray[np.float32], scans: int) -> None:
        calls.append(scans)
        if len(calls) == 3:
            raise MemoryError

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(Mean, "add", add)
        average.add(weights_of(2), BOTH)
    average.add(weights_of(3), BOTH)
    with pytest.raises(RuntimeError):
        average.result()
