"""The optimiser's steps of one network over the batches of one round (2.7)."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from client.learning.batches import Batch
from client.learning.fed_prox import proximal_term
from client.learning.optimizer_state import OptimizerFile
from client.learning.stage_loss import stage_loss
from client.learning.step_checkpoint import StepCheckpoint
from client.learning.training_context import TrainingContext
from shared_model.errors import PneumofedError
from shared_model.networks import LobeNetwork
from shared_model.protocol import is_trained
from shared_model.study_stage import StageConfig

DIVERGENCE_THRESHOLD = 1000.0
"""Greater losses count as diverged; a constant probability of 1/2 gives ln 2, about 0.69."""


class DivergedError(PneumofedError):
    """The loss has diverged. Its fields must not leave the hospital.

    keys: anonymous keys of the batch's scans; step: from 1; loss: of that step.
    """

    def __init__(self, keys: tuple[str, ...], step: int, loss: float) -> None:
        super().__init__(
            "diverged", "the loss is not finite or above 1000; lower the learning rate of this stage"
        )
        self.keys, self.step, self.loss = keys, step, loss

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.keys, self.step, self.loss)


def train_network(
    network: LobeNetwork,
    batches: Iterable[Batch],
    rates: Sequence[float],
    context: TrainingContext,
    checkpoint: StepCheckpoint | None = None,
    kept: OptimizerFile | None = None,
) -> float:
    """Take one step per batch, with the learning rate of the same place in `rates`; the round's mean loss.

    checkpoint: where steps are saved, and what an interrupted attempt has saved; `batches` and `rates` are
    those after `checkpoint.steps_done`; kept: the optimiser's state between rounds, none: it begins anew.

    Raises DivergedError if the loss is not finite or above DIVERGENCE_THRESHOLD.
    """
    set_trainable(network, context)
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    optimizer = make_optimizer(list(trained.values()), context.stage)
    start = {name: p.detach().clone() for name, p in trained.items()} if context.mu else {}
    if kept is not None:
        kept.load(trained, optimizer)
    losses = [] if checkpoint is None else checkpoint.restore(trained, optimizer)
    total = len(losses) + len(rates)
    for rate, batch in zip(rates, batches, strict=True):
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        loss = stage_loss(network, batch, context)
        if context.mu:
            loss = loss + proximal_term(trained, start, context.mu)
        if not loss.item() <= DIVERGENCE_THRESHOLD:
            raise DivergedError(batch.keys, len(losses) + 1, loss.item())
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if checkpoint is not None:
            checkpoint.save_if_due(trained, optimizer, losses)
        context.report_progress(len(losses), total)
    if kept is not None:
        kept.write(trained, optimizer)
    return float(torch.stack(losses).mean())


def set_trainable(network: LobeNetwork, context: TrainingContext) -> None:
    """Training mode and gradients for the part that the stage trains; the rest is frozen, without dropout."""
    stage = context.stage
    network.train(stage.part != "fine")
    if network.fine_infection is not None:
        network.fine_infection.train(stage.part == "fine")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(is_trained(f"{context.task}/{name}", stage))


def make_optimizer(parameters: list[nn.Parameter], stage: StageConfig) -> torch.optim.Optimizer:
    """The stage's optimiser; `set_learning_rate` sets the rate before each step."""
    if stage.optimizer == "sgd":
        return torch.optim.SGD(parameters)
    return torch.optim.Adam(parameters)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
