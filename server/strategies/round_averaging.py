"""The mean of a stage's last rounds (Izmailov et al. 2018; docs/decisions/0031): steadier at hospitals that
nobody trained on than the last round alone."""

from collections.abc import Sequence

from server.strategies.fed_avg import fed_avg
from shared_model.protocol import is_trained
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights


def mean_of_rounds(rounds: Sequence[Weights], stage: StageConfig) -> Weights:
    """What the stage trains, averaged over `rounds` with equal say; the rest as in the last of them."""
    say: dict[str, int] = dict.fromkeys(stage.networks, 1)
    trained = [{name: w[name] for name in w if is_trained(name, stage)} for w in rounds]
    return fed_avg(rounds[-1], {str(i): (weights, say) for i, weights in enumerate(trained)})
