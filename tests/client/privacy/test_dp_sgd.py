"""DP-SGD against one backward pass per scan, clipped by hand, and against Opacus's gradients per lobe."""

import dataclasses
import warnings

import pytest
import torch
from opacus import GradSampleModule

from client.learning.batches import Batch, draw_batches, read_batches
from client.learning.lobe_tensors import LobeTensors
from client.learning.network_training import set_trainable
from client.learning.stage_loss import stage_loss
from client.learning.training_context import TrainingContext
from client.privacy.dp_sgd import (
    DpParameters,
    group_by_patient,
    sample_patients,
    scan_gradient,
    train_privately,
    unpredictable_generator,
)
from client.privacy.ledger import Charge
from shared_model.errors import PneumofedError
from shared_model.study import NetworkConfig
from shared_model.study_stage import StageConfig
from tests.support.initial_weights import initial_networks
from tests.support.stores import MemoryStore, scan_of

CPU = torch.device("cpu")
STAGE = StageConfig(
    name="lobes", networks=("diseased", "covid"), rounds=1, scans_per_batch=3, lobes_per_scan=2,
    optimizer="sgd", learning_rate=0.5,
)  # fmt: skip
SCANS = [scan_of(f"s{i}", ("covid", "healthy", "other")[i % 3], slices=2, fold=i / 10) for i in range(3)]
CLIP = 0.5


def context_of(task="diseased") -> TrainingContext:
    return TrainingContext(task, STAGE, torch.float32)


def network_of(task="diseased"):
    config = NetworkConfig(width=0.0625, dropout=0.0, pooling="mean", init="random")
    return initial_networks(config, 4)[task]


def scans_of(stage=STAGE) -> list[Batch]:
    """Each scan as a batch of its own."""
    store = MemoryStore(SCANS)
    alone = stage.model_copy(update={"scans_per_batch": 1})
    batches = read_batches(store, draw_batches(store.scans(), alone, (1,)), CPU)
    return [dataclasses.replace(batch, lobes=grainy(batch.lobes)) for batch in batches]


def grainy(lobes: LobeTensors) -> LobeTensors:
    """Noise on the images: where pixels are equal, rounding decides which one is a maximum."""
    grain = 400 * torch.rand(lobes.images.shape, generator=torch.Generator().manual_seed(0))
    return dataclasses.replace(lobes, images=lobes.images + grain)


def noise(multiplier: float, *, expected: float = 3.0, clip: float = CLIP) -> DpParameters:
    return DpParameters(clip, multiplier, expected, torch.Generator().manual_seed(1))


def learn(network, steps) -> dict[str, torch.Tensor]:
    """What SGD at rate 0.5 subtracted from the weights."""
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    train_privately(network, steps, [0.5] * len(steps), context_of(), noise(0.0))
    return {name: (before[name] - p.detach()) / 0.5 for name, p in network.named_parameters()}


def test_a_step_is_the_mean_of_gradients_clipped_by_hand():
    network, scans = network_of(), scans_of()
    set_trainable(network, context_of())
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    expected = {name: torch.zeros_like(p) for name, p in named.items()}
    lengths = []
    for scan in scans:
        network.zero_grad()
        stage_loss(network, scan, context_of()).backward()
        length = sum(float((p.grad.double() ** 2).sum()) for p in named.values()) ** 0.5
        lengths.append(length)
        for name, p in named.items():
            expected[name] += p.grad * min(1.0, CLIP / length) / 3
    assert min(lengths) > CLIP  # or nothing is clipped
    network.zero_grad(set_to_none=True)
    found = learn(network, [scans])
    for name, p in expected.items():
        torch.testing.assert_close(found[name], p, rtol=1e-4, atol=4e-6, msg=name)
    assert not any(found[name].any() for name in found.keys() - expected.keys())


@pytest.mark.parametrize("task", ["diseased", "covid"])
def test_a_scans_gradient_is_the_sum_of_opacus_gradients_of_its_lobes(task):
    """Opacus sees each lobe of all scans at once; summed over a bag they are one backward of that scan."""
    network, scans = network_of(task), scans_of()[:2]
    set_trainable(network, context_of(task))
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    ours = [scan_gradient(network, scan, context_of(task), list(named.values())) for scan in scans]
    theirs = opacus_gradients(network, task, scans, named)
    for scan, gradient in enumerate(ours):
        one = torch.cat([part.flatten() for part in gradient])
        other = torch.cat([theirs[name][scan].flatten() for name in named])
        assert float((one - other).norm()) <= 1e-5 * float(one.norm())
        for part, name in zip(gradient, named, strict=True):
            torch.testing.assert_close(part, theirs[name][scan], rtol=1e-3, atol=1e-7, msg=name)


def opacus_gradients(network, task, scans, named) -> dict[str, torch.Tensor]:
    """[scan, ...] by parameter."""
    lobes = [scan.lobes for scan in scans]
    joined = {
        f.name: torch.cat([getattr(one, f.name) for one in lobes]) for f in dataclasses.fields(LobeTensors)
    }
    # In channels_last Opacus 1.6 gives wrong gradients of convolutions.
    joined["images"] = joined["images"].contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its hooks on modules whose inputs need no gradient
        hooked = GradSampleModule(network, loss_reduction="sum", strict=False)
        features = network.extract_dense(joined["images"], joined["distance"])
        size, total = len(lobes[0]), torch.zeros(())
        for number, scan in enumerate(scans):
            part = slice(number * size, (number + 1) * size)
            total = total + stage_loss(PartOfOutput(network.decide(features), part), scan, context_of(task))
        total.backward()
    found = {name: p.grad_sample.view(len(scans), size, *p.shape).sum(1) for name, p in named.items()}
    hooked.to_standard_module()
    return found


class PartOfOutput:
    """In place of the network: its output for some of the lobes."""

    def __init__(self, output, part):
        self.output = type(output)(*(
            None if value is None else value[part]
            for value in (getattr(output, f.name) for f in dataclasses.fields(output))
        ))  # fmt: skip

    def extract(self, *_, fine):
        return None

    def decide(self, *_, fine=False):
        return self.output


def test_scans_do_not_touch_each_others_gradients():
    """Eq. 4 and the top 80 % are taken within a scan: its neighbours in the step change nothing."""
    network, scans = network_of(), scans_of()
    alone = [learn(network_of(), [[scan]]) for scan in scans]
    together = learn(network, [scans])
    for name, change in together.items():
        torch.testing.assert_close(change, sum(one[name] for one in alone), rtol=1e-4, atol=4e-6)


def test_a_scan_without_a_finite_gradient_counts_nothing():
    broken = scans_of()[0]
    images = broken.lobes.images.clone().fill_(float("nan"))
    broken = dataclasses.replace(broken, lobes=dataclasses.replace(broken.lobes, images=images))
    whole = learn(network_of(), [scans_of()[1:]])
    for name, change in learn(network_of(), [[broken, *scans_of()[1:]]]).items():
        # A sum over one scan more, of zeros, is rounded otherwise on some processors.
        torch.testing.assert_close(change, whole[name], rtol=1e-6, atol=1e-8)


def test_the_noise_has_its_deviation_even_if_nobody_is_sampled():
    network = network_of()
    set_trainable(network, context_of())
    learning = [p for p in network.parameters() if p.requires_grad]
    before = [p.detach().clone() for p in learning]
    train_privately(network, [[]], [1.0], context_of(), noise(2.0, expected=4.0, clip=0.3))
    moved = torch.cat([(a - b.detach()).flatten() for a, b in zip(before, learning, strict=True)])
    assert len(moved) > 10_000
    assert float(moved.std()) == pytest.approx(2.0 * 0.3 / 4.0, rel=0.03)
    assert abs(float(moved.mean())) < 0.01


def test_nobody_can_repeat_the_noise():
    draws = [torch.randn(4, generator=unpredictable_generator(CPU)) for _ in range(2)]
    assert not torch.equal(*draws)


def test_a_patient_of_many_scans_counts_once():
    twice = [scan_of("a", "covid", fold=0.5)[0], scan_of("b", "covid", fold=0.5)[0], scan_of("c", "covid")[0]]
    patients = group_by_patient(twice)
    assert sorted([s.key for s in scans] for scans in patients) == [["a", "b"], ["c"]]
    steps = sample_patients(patients, STAGE, Charge(1.0, 1.0, 40), (0,))
    assert all(len(bags) == 2 and len(bags[0].lobes) == 2 for bags in steps)
    assert {bag.scan.key for bags in steps for bag in bags} == {"a", "b", "c"}


def test_sampling_is_poisson():
    patients = group_by_patient([scan_of(f"p{i}", "covid", slices=1, fold=i / 100)[0] for i in range(20)])
    sizes = torch.tensor(
        [len(bags) for bags in sample_patients(patients, STAGE, Charge(1.0, 0.3, 500), (0,))]
    ).double()
    assert float(sizes.mean()) == pytest.approx(6.0, abs=0.55)  # six deviations of the mean
    assert float(sizes.var()) == pytest.approx(20 * 0.3 * 0.7, rel=0.4)


def test_weights_that_are_not_finite_are_reported():
    network = network_of()
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(PneumofedError) as error:
        learn(network, [scans_of()])
    assert error.value.code == "diverged"
