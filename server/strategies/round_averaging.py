"""Averages the weights of a stage's last rounds (stochastic weight averaging, Izmailov et al. 2018).

At held-out hospitals the mean varies less than the last round alone (docs/decisions/0031).
"""

from collections.abc import Sequence

from server.strategies.fed_avg import fed_avg
from shared_model.protocol import is_trained
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights


def mean_of_rounds(rounds: Sequence[Weights], stage: StageConfig) -> Weights:
    """The mean over `rounds` of the arrays that the stage trains; other arrays are those of the last one."""
    equal: dict[str, int] = dict.fromkeys(stage.networks, 1)
    trained = [{name: w[name] for name in w if is_trained(name, stage)} for w in rounds]
    return fed_avg(rounds[-1], {str(i): (weights, equal) for i, weights in enumerate(trained)})
