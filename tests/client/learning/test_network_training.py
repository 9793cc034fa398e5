"""Steps of SGD by hand, what each stage trains, and when training stops."""

import pickle
from copy import deepcopy

import pytest
import torch

from client.learning.batches import draw_batches, read_batches
from client.learning.network_training import DivergedError, set_trainable, train_network
from client.learning.stage_loss import stage_loss
from client.learning.training_context import TrainingContext
from shared_model.study import NetworkConfig
from shared_model.study_stage import StageConfig
from tests.support.initial_weights import initial_networks
from tests.support.stores import MemoryStore, scan_of

STAGE = StageConfig(
    name="s", networks=("diseased", "covid"), rounds=1, scans_per_batch=1, lobes_per_scan=2, optimizer="sgd"
)  # fmt: skip
FINE = StageConfig(name="f", networks=("diseased",), rounds=1, part="fine")
DECISION = STAGE.model_copy(update={"part": "decision"})
RATES = [1e-3, 0.0, 1e-2]


@pytest.fixture(scope="module")
def networks():
    config = NetworkConfig(width=0.0625, dropout=0.0, pooling="mean", init="random")
    return initial_networks(config, 4)


@pytest.fixture(scope="module")
def batches():
    store = MemoryStore(
        [
            scan_of(key, label, slices=2)
            for key, label in zip("abc", ("covid", "other", "healthy"), strict=True)
        ]
    )
    return list(read_batches(store, draw_batches(store.scans(), STAGE, (1,)), torch.device("cpu")))


def context_of(stage=STAGE, task="diseased", progress=None) -> TrainingContext:
    return TrainingContext(task, stage, torch.float32, progress)


def test_each_step_subtracts_its_rate_times_the_gradient(networks, batches):
    network, by_hand, seen = deepcopy(networks["diseased"]), deepcopy(networks["diseased"]), []
    context = context_of(progress=lambda *step: seen.append(step))
    mean = train_network(network, batches, RATES, context)
    set_trainable(by_hand, context)
    losses = []
    for rate, batch in zip(RATES, batches, strict=True):
        by_hand.zero_grad()
        loss = stage_loss(by_hand, batch, context)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for parameter in by_hand.parameters():
                if parameter.grad is not None:
                    parameter -= rate * parameter.grad
    assert mean == pytest.approx(sum(losses) / 3, rel=1e-6)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for (name, one), other in zip(network.named_parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize(
    "stage, task", [(STAGE, "diseased"), (STAGE, "covid"), (DECISION, "covid"), (FINE, "diseased")]
)
def test_a_stage_trains_its_part_and_the_rest_is_frozen(networks, stage, task):
    network = deepcopy(networks[task])
    set_trainable(network, context_of(stage, task))
    trained = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    parts = {name.split(".")[0] for name, _ in network.named_parameters()}
    if stage.part == "fine":
        assert trained == {"fine_infection"} and network.fine_infection.training
        assert not network.training and not network.patch_infection.training
    else:
        frozen = {"fine_infection"} | ({"patch_features"} if stage.part == "decision" else set())
        assert trained == parts - frozen
        assert network.training and network.lobe.training
        assert network.fine_infection is None or not network.fine_infection.training


def test_as_many_rates_as_batches_are_needed(networks, batches):
    with pytest.raises(ValueError, match="zip"):
        train_network(deepcopy(networks["covid"]), batches[:2], [0.1], context_of(task="covid"))


def test_a_loss_that_diverges_stops_before_its_step(networks, batches):
    network = deepcopy(networks["diseased"])
    with torch.no_grad():
        network.lobe[0].weight.fill_(float("nan"))
    before = deepcopy(network.patch_features.state_dict())
    with pytest.raises(DivergedError) as error:
        train_network(network, batches, RATES, context_of())
    assert (error.value.keys, error.value.step) == (batches[0].keys, 1)
    assert all(torch.equal(before[name], now) for name, now in network.patch_features.state_dict().items())


def test_the_error_crosses_processes_with_its_fields():
    error = pickle.loads(pickle.dumps(DivergedError(("a", "b"), 3, float("inf"))))
    assert (error.code, error.keys, error.step, error.loss) == ("diverged", ("a", "b"), 3, float("inf"))
    assert "a" not in str(error).split()
