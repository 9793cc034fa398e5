"""One network through one round of batches: the losses of a stage, and the optimiser's steps (2.7)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from client.learning.batches import Batch
from client.learning.lobe_tensors import ExtractedLobes, LobeTensors
from client.learning.step_checkpoint import StepCheckpoint, Tensors, pack_step, unpack_step
from shared_model.constants import POSITIVE, Task
from shared_model.errors import PneumofedError
from shared_model.losses import coarse_labels, concordance_loss, fine_labels, lobe_loss, patch_loss
from shared_model.networks import LobeFeatures, LobeNetwork, LobeOutput
from shared_model.patches import FINE
from shared_model.protocol import is_trained
from shared_model.study_stage import StageConfig

LARGEST_LOSS = 1000.0
"""A greater one has diverged: chance costs 0.7, and weights that were ever of use cannot come to this."""


class DivergedError(PneumofedError):
    """keys: the batch's anonymous keys; step: from 1; loss: what it was. For the hospital's disk alone."""

    def __init__(self, keys: tuple[str, ...], step: int, loss: float) -> None:
        super().__init__(
            "diverged", "the loss is not finite or absurd; lower the learning rate of this stage"
        )
        self.keys, self.step, self.loss = keys, step, loss

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.keys, self.step, self.loss)


def train_network(
    network: LobeNetwork,
    task: Task,
    batches: Iterable[Batch],
    stage: StageConfig,
    *,
    rates: Sequence[float],
    dtype: torch.dtype,
    after_step: Callable[[], None] | None = None,
    kept: Tensors | None = None,
    step_file: StepCheckpoint | None = None,
) -> float:
    """Take one step a batch, each with its learning rate, and return the mean loss of the round.

    Activations are in `dtype`, weights in float32. kept: the step after which an earlier attempt was cut off;
    `batches` and `rates` are then those that follow. step_file: where steps are kept for a next attempt.

    Raises DivergedError where the loss is not finite or beyond LARGEST_LOSS.
    """
    prepare(network, task, stage)
    learning = {name: p for name, p in network.named_parameters() if p.requires_grad}
    optimizer = make_optimizer(list(learning.values()), stage)
    losses = [] if kept is None else unpack_step(kept, learning, optimizer, device_of(network))
    for rate, batch in zip(rates, batches, strict=True):
        set_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        loss = stage_loss(network, task, batch, stage, dtype)
        if not loss.item() <= LARGEST_LOSS:
            raise DivergedError(batch.keys, len(losses) + 1, loss.item())
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if step_file is not None:
            step_file.keep(lambda: pack_step(learning, optimizer, losses))
        if after_step is not None:
            after_step()
    return float(torch.stack(losses).mean())


def stage_loss(
    network: LobeNetwork, task: Task, batch: Batch, stage: StageConfig, dtype: torch.dtype
) -> Tensor:
    """The stage's loss of one batch."""
    fine = stage.part == "fine"
    with torch.autocast(batch.lobes.device.type, dtype, enabled=dtype != torch.float32):
        features = _features(network, batch, fine=fine)
        output = network.decide(features, fine=fine)
    return _fine_loss(output, batch, stage) if fine else _lobe_stage_loss(output, task, batch, stage)


def _features(network: LobeNetwork, batch: Batch, *, fine: bool) -> LobeFeatures:
    lobes = batch.lobes
    if isinstance(lobes, ExtractedLobes):
        return lobes.features
    return network.extract(lobes.images, lobes.distance, fine=fine)


def _lobe_stage_loss(output: LobeOutput, task: Task, batch: Batch, stage: StageConfig) -> Tensor:
    """Total = lobe + concordance + 0.01 x patches; the COVID network has the first alone (2.5, 2.7.4)."""
    positive = batch.has_label(*POSITIVE[task])
    total = lobe_loss(output.lobe.view(batch.scans, -1), positive, stage.top_share)
    if output.patch is None:
        return total
    if stage.patch_weight > 0:
        diseased = batch.of_lobes(batch.has_label("covid", "other"))
        infected = coarse_labels(batch.lobes.semi_infected, diseased)
        counted = batch.lobes.in_lobe if stage.patches == "lobe" else torch.ones_like(infected)
        total = total + stage.patch_weight * patch_loss(output.patch, infected, diseased, counted)
    if stage.concordance_weight > 0:
        concerned = batch.of_lobes(batch.has_label("healthy", "covid"))
        total = total + stage.concordance_weight * concordance_loss(output.lobe, output.patch, concerned)
    return total


def _fine_loss(output: LobeOutput, batch: Batch, stage: StageConfig) -> Tensor:
    if output.patch is None or output.fine is None or not isinstance(batch.lobes, LobeTensors):
        raise ValueError("stage 2 trains the network with infection heads, on images")
    diseased = batch.of_lobes(batch.has_label("covid", "other"))
    coarse = output.patch.softmax(dim=1)[:, 1]
    infected = fine_labels(batch.lobes.semi_infection, diseased, coarse)
    counted = FINE.share(batch.lobes.mask) > 0 if stage.patches == "lobe" else torch.ones_like(infected)
    return patch_loss(output.fine, infected, diseased, counted)


def prepare(network: LobeNetwork, task: Task, stage: StageConfig) -> None:
    """Training mode for what the stage trains; the rest stays as it is and answers as in use."""
    network.train(stage.part != "fine")
    if network.fine_infection is not None:
        network.fine_infection.train(stage.part == "fine")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(is_trained(f"{task}/{name}", stage))


def make_optimizer(parameters: list[nn.Parameter], stage: StageConfig) -> torch.optim.Optimizer:
    """The stage's optimiser; `set_rate` gives it each step's learning rate."""
    if stage.optimizer == "sgd":
        return torch.optim.SGD(parameters)
    return torch.optim.Adam(parameters)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def device_of(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
