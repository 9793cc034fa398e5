"""The trimmed mean against scipy's, and wrong weights beside honest ones."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.stats import trim_mean

from server.strategies.trimmed_mean import trimmed_mean
from shared_model.errors import PneumofedError
from shared_model.strategy import TrimmedMeanConfig
from shared_model.weights import Weights, fingerprint
from tests.support.fake_sites import weights_of

OLD = weights_of(0)


def config(trim: int) -> TrimmedMeanConfig:
    return TrimmedMeanConfig(name="trimmed-mean", trim=trim)


finite = st.floats(-1024, 1024, width=32, allow_subnormal=False)


def updates_of(values: NDArray[np.float32]) -> list[Weights]:
    return [{"covid/shared.weight": row} for row in values]


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(3, 8), st.just(4)), elements=finite),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_agrees_with_scipy_in_any_order(values: NDArray[np.float32], trim: int, random: Random) -> None:
    updates = updates_of(values)
    if len(updates) < 2 * trim + 1:
        with pytest.raises(PneumofedError) as refused:
            trimmed_mean(OLD, updates, config(trim))
        assert refused.value.code == "too-few-hospitals"
        assert f"trim = {trim} needs {2 * trim + 1} hospitals" in str(refused.value)
        return
    found = trimmed_mean(OLD, updates, config(trim))
    expected = trim_mean(values.astype(np.float64), (trim + 0.1) / len(values), axis=0)
    np.testing.assert_allclose(found["covid/shared.weight"], expected, rtol=2**-22, atol=1e-9)
    again = trimmed_mean(OLD, random.sample(updates, len(updates)), config(trim))
    assert fingerprint(found) == fingerprint(again)
    for name in OLD.keys() - {"covid/shared.weight"}:
        np.testing.assert_array_equal(found[name], OLD[name])


@given(hnp.arrays(np.float32, (2, 4), elements=finite))
def test_two_wrong_hospitals_of_five_leave_every_value_among_the_honest(wrong: NDArray[np.float32]) -> None:
    honest = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    found = trimmed_mean(OLD, updates_of(np.concatenate([wrong, honest])), config(2))["covid/shared.weight"]
    assert (found >= honest.min(axis=0)).all() and (found <= honest.max(axis=0)).all()
