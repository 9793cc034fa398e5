"""The logit of a scan: by eq. 2, or by its figures once the scan head is fitted."""

import numpy as np
import pytest
import torch

from client.learning.scan_logits import scan_logits
from client.learning.scan_scoring import ScanScorer
from shared_model.constants import TASKS
from shared_model.scan_figures import scan_figures
from tests.reference import scan as literal
from tests.support.initial_weights import initial_networks
from tests.support.small_study import STUDY
from tests.support.stores import MemoryStore, scan_of

FIGURES = STUDY.model_copy(update={"network": STUDY.network.model_copy(update={"scan_figures": "law-free"})})


def lobes_of(study):
    networks = initial_networks(study.network, study.seed)
    store = MemoryStore([scan_of("c", "other", slices=6)])
    (found,) = ScanScorer(networks, store, torch.float32).decide([(store.scans()[0], TASKS)])
    return networks, found.scan_lobes


@pytest.mark.parametrize("study", [STUDY, FIGURES])
def test_before_a_head_is_fitted_equation_2_decides(study):
    networks, lobes = lobes_of(study)
    for task, logit in scan_logits(networks, lobes, study).items():
        places = zip(lobes.slice_index.tolist(), lobes.side.tolist(), strict=True)
        probabilities = 1 / (1 + np.exp(-lobes.logits[task].astype(np.float64)))
        expected = literal.scan_probability(dict(zip(places, probabilities.tolist(), strict=True)))
        assert 1 / (1 + np.exp(-logit)) == pytest.approx(expected, rel=1e-6)


def test_a_fitted_head_decides_by_the_figures():
    networks, lobes = lobes_of(FIGURES)
    before = scan_logits(networks, lobes, FIGURES)
    head = networks["covid"].scan_decision
    head.coefficients.copy_(torch.arange(1.0, 7.0))
    head.centre.fill_(-0.5)
    after = scan_logits(networks, lobes, FIGURES)
    assert after["diseased"] == before["diseased"]
    figures = scan_figures(lobes, "law-free")
    assert after["covid"] == pytest.approx(float(np.dot(np.arange(1.0, 7.0), figures + 0.5)))


def test_slabs_of_the_study_are_counted_in_millimetres():
    networks, lobes = lobes_of(STUDY)
    slabs = STUDY.model_copy(update={"slab_mm": 2 * lobes.slice_mm})
    by_hand = lobes.logits["diseased"].astype(np.float64).reshape(3, 2, 2).mean(axis=1)  # pairs of slices
    softened = np.minimum(by_hand[1], np.maximum(by_hand[0], by_hand[2]))
    ends = np.minimum(by_hand[[0, 2]], by_hand[1])
    expected = max(softened.max(), ends.max())
    assert scan_logits(networks, lobes, slabs)["diseased"] == pytest.approx(float(expected))
    thin = STUDY.model_copy(update={"slab_mm": 1.4 * lobes.slice_mm})
    assert scan_logits(networks, lobes, thin) == scan_logits(networks, lobes, STUDY)
