"""How many scans are called positive at each of many thresholds, and the net benefit of doing so."""

from dataclasses import dataclass

from scipy.special import expit, logit

from shared_model.metrics.score_histogram import (
    ScoreHistogram,
    bin_edge_logit,
    nearest_edge,
    probability_bin,
)

PERCENTS = range(1, 100)


@dataclass(frozen=True)
class ThresholdCounts:
    """Scans called positive if their probability, scaled by the temperature, is `threshold` or more.

    positives, negatives: scans of each class; true_positives, false_positives: those called positive. The
    counts are exact, as a threshold is always the edge between two bins of the histogram.
    """

    threshold: float
    true_positives: int
    false_positives: int
    positives: int
    negatives: int

    @property
    def net_benefit(self) -> float:
        """Of calling by the model: true positives less false ones at the threshold's odds, over all scans
        (Vickers and Elkin 2006)."""
        return self._net(self.true_positives, self.false_positives)

    @property
    def net_benefit_of_all(self) -> float:
        """Of calling every scan positive; that of calling none is 0."""
        return self._net(self.positives, self.negatives)

    def _net(self, true: int, false: int) -> float:
        odds = self.threshold / (1 - self.threshold)
        return (true - odds * false) / (self.positives + self.negatives)


def threshold_counts(
    positive: ScoreHistogram, negative: ScoreHistogram, temperature: float, operating_point: float
) -> list[ThresholdCounts]:
    """At the edges nearest to 1, 2 ... 99 % and at the `operating_point`, by rising threshold.

    operating_point: a probability that is not scaled. Empty without scans. An edge that is nearest to
    several percents is there once.
    """
    if not positive.total and not negative.total:
        return []
    bins = {nearest_edge(temperature * float(logit(percent / 100))) for percent in PERCENTS}
    bins.add(probability_bin(operating_point))
    return [
        ThresholdCounts(
            threshold=scaled_edge(threshold_bin, temperature),
            true_positives=positive.at_least(threshold_bin),
            false_positives=negative.at_least(threshold_bin),
            positives=positive.total,
            negatives=negative.total,
        )
        for threshold_bin in sorted(bins)
    ]


def scaled_edge(threshold_bin: int, temperature: float) -> float:
    """The lowest scaled probability of the scans in `threshold_bin`."""
    return float(expit(bin_edge_logit(threshold_bin) / temperature))
