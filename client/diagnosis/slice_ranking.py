"""Which slices to look at first."""

from dataclasses import dataclass

import numpy as np

from client.diagnosis.diagnosis import Diagnosis

DEFAULT_COUNT = 3
MIN_DISTANCE_MM = 10.0  # neighbouring thin slices would show the same three times


@dataclass(frozen=True)
class RankedSlice:
    """rank: 1 is the slice to look at first; slice: its index; score_ml: see `worst_slices`."""

    rank: int
    slice: int
    score_ml: float


def worst_slices(diagnosis: Diagnosis, shown: int = DEFAULT_COUNT) -> list[RankedSlice]:
    """The slices to look at first.

    A slice's score is the sum over its lobes of softened lobe probability x infected volume. Slices of equal
    score (all, in a scan without infection) go by their greatest lobe probability, then by their greatest
    attention. Chosen slices lie at least 10 mm apart, as long as there are such slices with a lung.
    """
    lobes = diagnosis.lobes
    with_lung = np.unique(lobes.slice_index)
    keys = {int(index): _key(diagnosis, int(index)) for index in with_lung}
    order = sorted(keys, key=lambda index: (*(-value for value in keys[index]), index))
    chosen: list[int] = []
    for least_mm in (MIN_DISTANCE_MM, 0.0):
        for index in order:
            apart = np.abs(diagnosis.scan.z_mm[chosen] - diagnosis.scan.z_mm[index])
            if len(chosen) < shown and index not in chosen and (apart >= least_mm).all():
                chosen.append(index)
    chosen.sort(key=order.index)
    return [RankedSlice(rank, index, keys[index][0]) for rank, index in enumerate(chosen, start=1)]


def _key(diagnosis: Diagnosis, index: int) -> tuple[float, float, float]:
    lobes, here = diagnosis.lobes, list(diagnosis.lobes.at(index))
    probability = lobes.diseased[here]
    score = float((probability * lobes.infected_ml[here]).sum())
    return score, float(probability.max()), float(lobes.attention["diseased"][here].max())
