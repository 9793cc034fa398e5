"""Patient-level DP-SGD (Abadi et al. 2016): how a step samples patients, and what it uses of each.

A patient's gradient is that of one of the patient's scans, with its whole bag of lobes; the weights of eq. 4
and the top 80 % are taken within the bag. Each patient's gradient is clipped, noise is added to their sum,
and the optimiser receives only the noisy sum. Opacus clips and adds the noise; the gradient is one backward
pass per scan, see docs/decisions/0090.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn

from client.learning.batches import Bag, Batch, SeedParts, draw_scan_bag
from client.learning.network_training import make_optimizer, set_learning_rate, set_trainable
from client.learning.stage_loss import stage_loss
from client.learning.training_context import TrainingContext
from client.privacy.ledger import Charge
from preprocessing.store.scan_record import ScanRecord
from shared_model.errors import PneumofedError
from shared_model.networks import LobeNetwork
from shared_model.study_stage import StageConfig

Patients = Sequence[Sequence[ScanRecord]]
"""The scans of each patient."""


@dataclass(frozen=True)
class DpParameters:
    """clip_norm: the greatest norm of a patient's gradient; multiplier: the noise's deviation in clip norms.

    expected_patients: mean number of patients in a step, by which each sum is divided; generator: on the
    network's device, seeded from the operating system's randomness, because whoever can repeat the noise can
    subtract it.
    """

    clip_norm: float
    multiplier: float
    expected_patients: float
    generator: torch.Generator


def unpredictable_generator(device: torch.device) -> torch.Generator:
    """A generator seeded from the operating system's randomness; the seed is not kept."""
    return torch.Generator(device).manual_seed(secrets.randbits(63))


def group_by_patient(scans: Sequence[ScanRecord]) -> Patients:
    """The scans of each patient; a record's `fold` is the store's keyed hash of the patient."""
    patients: defaultdict[float, list[ScanRecord]] = defaultdict(list)
    for scan in scans:
        patients[scan.fold].append(scan)
    return list(patients.values())


def sample_patients(
    patients: Patients, stage: StageConfig, charge: Charge, seed_parts: SeedParts
) -> list[list[Bag]]:
    """For each step that `charge` counts, a Poisson sample of the patients, with a bag of one scan of each.

    The sample is drawn from the operating system's randomness, as the accounting assumes that it is secret.
    The lobes within a scan depend on `seed_parts`, the step and the scan's key, as in `draw_batches`.
    """
    draw = secrets.SystemRandom()
    return [
        [
            draw_scan_bag(draw.choice(scans), stage, (*seed_parts, step))
            for scans in patients
            if draw.random() < charge.sample_rate
        ]
        for step in range(charge.steps)
    ]


def train_privately(
    network: LobeNetwork,
    steps: Iterable[Sequence[Batch]],
    rates: Sequence[float],
    context: TrainingContext,
    noise: DpParameters,
) -> None:
    """Take one step per sample of patients, with the learning rate of the same place in `rates`.

    Each sampled patient is a batch of one scan. Losses are not kept, as they would disclose patients.

    Raises PneumofedError `diverged` if the weights are not finite in the end: clipping and noise cannot mask
    non-finite weights.
    """
    set_trainable(network, context)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = DPOptimizer(
        make_optimizer(trained, context.stage),
        noise_multiplier=noise.multiplier,
        max_grad_norm=noise.clip_norm,
        expected_batch_size=noise.expected_patients,
        generator=noise.generator,
        secure_mode=True,
    )
    for done, (rate, scans) in enumerate(zip(rates, steps, strict=True), start=1):
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        gradients = [scan_gradient(network, scan, context, trained) for scan in scans]
        for index, parameter in enumerate(trained):
            samples = _stacked([gradient[index] for gradient in gradients], parameter)
            setattr(parameter, "grad_sample", samples)  # where Opacus looks for it  # noqa: B010
        optimizer.step()
        context.report_progress(done, len(rates))
    optimizer.zero_grad(set_to_none=True)
    if not all(torch.isfinite(parameter).all() for parameter in trained):
        raise PneumofedError("diverged", "the weights are not finite; lower the learning rate of this stage")


def scan_gradient(
    network: LobeNetwork, scan: Batch, context: TrainingContext, trained: Sequence[nn.Parameter]
) -> list[Tensor]:
    """The gradient of the loss of one scan's bag; zero if it is not finite, as clipping cannot bound that."""
    loss = stage_loss(network, scan, context)
    gradient = torch.autograd.grad(loss, trained, allow_unused=True, materialize_grads=True)
    if all(torch.isfinite(part).all() for part in gradient):
        return list(gradient)
    return [torch.zeros_like(part) for part in gradient]


def _stacked(gradients: Sequence[Tensor], parameter: nn.Parameter) -> Tensor:
    """[scan, ...]; [0, ...] if no patient was sampled: the step then applies only noise."""
    return torch.stack(list(gradients)) if gradients else parameter.new_zeros((0, *parameter.shape))
