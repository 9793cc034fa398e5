"""The mean of a stage's last rounds, against numpy."""

import numpy as np
import pytest

from server.strategies.round_averaging import mean_of_rounds
from shared_model.study_stage import StageConfig
from tests.support.fake_sites import BOTH, SHAPES, weights_of

COVID = StageConfig(name="covid", networks=("covid",), rounds=3)
FINE = StageConfig(name="fine", networks=("diseased",), part="fine", rounds=3)


@pytest.mark.parametrize(
    ("stage", "trained"),
    [
        (BOTH, {name for name in SHAPES if "fine_infection" not in name}),
        (COVID, {"covid/lobe.weight", "covid/shared.weight"}),
        (FINE, {"diseased/fine_infection.weight"}),
    ],
    ids=["both", "covid", "fine"],
)
def test_what_the_stage_trains_is_averaged_and_the_rest_is_the_last_rounds(
    stage: StageConfig, trained: set[str]
) -> None:
    rounds = [weights_of(seed) for seed in range(3)]
    found = mean_of_rounds(rounds, stage)
    assert list(found) == list(rounds[-1])
    for name, array in found.items():
        mean = np.mean([weights[name].astype(np.float64) for weights in rounds], axis=0)
        np.testing.assert_allclose(array, mean if name in trained else rounds[-1][name], rtol=2**-23)


def test_the_mean_of_one_round_is_that_round() -> None:
    (only,) = rounds = [weights_of(4)]
    found = mean_of_rounds(rounds, BOTH)
    assert all(np.array_equal(found[name], only[name]) for name in only)
