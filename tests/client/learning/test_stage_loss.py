"""The total loss of a batch against the literal losses, combined by the labels of its scans (2.5, 2.7)."""

import dataclasses

import pytest
import torch

from client.learning.batches import Batch
from client.learning.lobe_tensors import LobeTensors
from client.learning.stage_loss import stage_loss
from client.learning.training_context import TrainingContext
from shared_model.networks import LobeOutput
from shared_model.study import NetworkConfig
from shared_model.study_stage import StageConfig
from tests.reference import losses as literal
from tests.support.float_types import no_bfloat16_in
from tests.support.initial_weights import initial_networks

LABELS = ("covid", "healthy", "other", "covid")
LOBES = 4
STAGE = StageConfig(name="s", networks=("diseased",), rounds=1, lobes_per_scan=LOBES)
FINE = StageConfig(name="f", networks=("diseased",), rounds=1, part="fine", lobes_per_scan=LOBES)


class FixedOutput:
    """In place of a network: its output is always `output`."""

    def __init__(self, output: LobeOutput) -> None:
        self.output = output

    def extract(self, *_, **__):
        return None

    def decide(self, *_, fine=False):
        return self.output if fine else dataclasses.replace(self.output, fine=None)


def draws(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def batch_of(labels=LABELS) -> Batch:
    n = LOBES * len(labels)
    blocks = draws(3, n, 64, 64) > 0.3
    semi = blocks.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    mask = torch.zeros(n, 256, 256, dtype=torch.bool)
    mask[:, 61:150, 90:201] = True
    lobes = LobeTensors(images=torch.zeros(n, 1), distance=torch.zeros(n, 1), mask=mask, semi_infection=semi)
    return Batch(lobes, tuple(labels), tuple(f"k{i}" for i in range(len(labels))))


def output_of(scans=4) -> LobeOutput:
    n = LOBES * scans
    return LobeOutput(
        lobe=draws(0, n), attention=torch.zeros(n, 32, 32), patch=draws(1, n, 2, 32, 32),
        fine=draws(2, n, 2, 128, 128),
    )  # fmt: skip


def per_lobe(labels, *wanted):
    return [label in wanted for label in labels for _ in range(LOBES)]


def total(output, batch, task="diseased", stage=STAGE) -> float:
    return float(stage_loss(FixedOutput(output), batch, TrainingContext(task, stage, torch.float32)))


@pytest.mark.parametrize("labels", [LABELS, ("healthy",) * 2, ("covid",) * 2, ("other",) * 2])
def test_the_total_of_stage_1_is_its_three_literal_parts(labels):
    output, batch = output_of(len(labels)), batch_of(labels)
    diseased = per_lobe(labels, "covid", "other")
    infected = [
        literal.coarse_labels(semi.tolist(), sick)
        for semi, sick in zip(batch.lobes.semi_infection, diseased, strict=True)
    ]
    lobes = output.lobe.view(len(labels), LOBES).tolist()
    expected = (
        literal.lobe_loss(lobes, [label != "healthy" for label in labels], 1)  # 0.3 x 4 lobes
        + literal.concordance_loss(
            output.lobe.tolist(), output.patch.tolist(), per_lobe(labels, "healthy", "covid")
        )
        + 0.01 * literal.patch_loss(output.patch.tolist(), infected, diseased)
    )
    assert total(output, batch) == pytest.approx(expected, rel=1e-5)


def test_patches_outside_the_lobe_do_not_count_if_the_stage_says_so():
    stage = STAGE.model_copy(update={"patches": "lobe", "concordance_weight": 0.0, "patch_weight": 1.0})
    output, batch = output_of(2), batch_of(("covid", "healthy"))
    diseased = per_lobe(batch.labels, "covid")
    infected = [
        literal.coarse_labels(semi.tolist(), sick)
        for semi, sick in zip(batch.lobes.semi_infection, diseased, strict=True)
    ]
    # Coarse patch (r, c) covers [8r - 14, 8r + 22) x [8c - 14, 8c + 22); the mask is [61, 150) x [90, 201).
    here = [[8 * r - 14 < 150 and 8 * r + 22 > 61 and 8 * c - 14 < 201 and 8 * c + 22 > 90 for c in range(32)]
            for r in range(32)]  # fmt: skip
    expected = literal.lobe_loss(output.lobe.view(2, LOBES).tolist(), [True, False], 1)
    expected += literal.patch_loss(output.patch.tolist(), infected, diseased, [here] * len(diseased))
    assert total(output, batch, stage=stage) == pytest.approx(expected, rel=1e-5)
    assert total(output, batch, stage=stage.model_copy(update={"patches": "crop"})) != pytest.approx(expected)


def test_the_covid_network_has_the_lobe_loss_alone():
    labels = ("covid", "other", "covid")
    output = dataclasses.replace(output_of(3), patch=None, fine=None)
    lobes = output.lobe.view(3, LOBES).tolist()
    expected = literal.lobe_loss(lobes, [True, False, True], 1)
    assert total(output, batch_of(labels), "covid") == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("patches", ["crop", "lobe"])
def test_stage_2_has_fine_labels_given_the_coarse_output(patches):
    labels = ("covid", "healthy")
    output, batch = output_of(2), batch_of(labels)
    diseased = per_lobe(labels, "covid")
    coarse = output.patch.softmax(dim=1)[:, 1]
    fine = [
        literal.fine_labels(semi.tolist(), sick, probability.tolist())
        for semi, sick, probability in zip(batch.lobes.semi_infection, diseased, coarse, strict=True)
    ]
    assert any(any(map(any, one)) for one in fine)
    # Fine patch (r, c) covers [2r - 2, 2r + 4) x [2c - 2, 2c + 4).
    here = [[2 * r - 2 < 150 and 2 * r + 4 > 61 and 2 * c - 2 < 201 and 2 * c + 4 > 90 for c in range(128)]
            for r in range(128)]  # fmt: skip
    counted = [here] * len(diseased) if patches == "lobe" else None
    expected = literal.patch_loss(output.fine.tolist(), fine, diseased, counted)
    stage = FINE.model_copy(update={"patches": patches})
    assert total(output, batch, stage=stage) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("stage", [STAGE, FINE], ids=["lobe", "fine"])
def test_in_bfloat16_only_features_are_rounded(stage):
    """All layers after the extractor, logits and so all losses are float32."""
    network = initial_networks(NetworkConfig(width=0.0625, dropout=0.0, init="random"), 0)["diseased"]
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 1500
    flat = torch.ones(2, 256, 256)
    lobes = LobeTensors(images, flat * 20, flat > 0, draws(5, 2, 256, 256) > 0.3)
    batch, stage = Batch(lobes, ("covid",), ("k",)), stage.model_copy(update={"lobes_per_scan": 2})
    exact = stage_loss(network, batch, TrainingContext("diseased", stage, torch.float32))
    with no_bfloat16_in(network):
        coarse = stage_loss(network, batch, TrainingContext("diseased", stage, torch.bfloat16))
    assert coarse.dtype == torch.float32 and coarse != exact
    assert coarse.item() == pytest.approx(exact.item(), rel=0.05)
    coarse.backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in network.parameters())
