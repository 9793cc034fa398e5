"""Patient-level DP-SGD (Abadi et al. 2016): which patients a step sees, and what it may learn of each.

A patient's gradient is that of one of the patient's scans, its whole bag of lobes, with the weights of eq. 4
and the top 80 % taken within it. It is clipped, the sum gets noise, and Adam sees nothing else. Opacus clips,
adds the noise and counts; the gradient itself is one backward per scan, see docs/decisions/0090.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn

from client.learning.batches import Bag, Batch, draw_bag_of
from client.learning.training_steps import make_optimizer, prepare, set_rate, stage_loss
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.networks import LobeNetwork
from shared_model.study_stage import StageConfig

Patients = Sequence[Sequence[ScanRecord]]
"""The scans of each patient."""


@dataclass(frozen=True)
class Noise:
    """clip_norm: the longest gradient of a patient; multiplier: the noise's deviation in clip norms.

    expected_patients: in a step, by which the sum is divided whoever came; generator: on the device, seeded
    from the operating system's randomness, as whoever could repeat the noise could take it away.
    """

    clip_norm: float
    multiplier: float
    expected_patients: float
    generator: torch.Generator


def secret_generator(device: torch.device) -> torch.Generator:
    """A generator that nobody can repeat."""
    return torch.Generator(device).manual_seed(secrets.randbits(63))


def by_patient(studies: Sequence[ScanRecord]) -> Patients:
    """The scans of each patient: the store's keyed hash of the patient is its `fold`."""
    patients: defaultdict[float, list[ScanRecord]] = defaultdict(list)
    for study in studies:
        patients[study.fold].append(study)
    return list(patients.values())


def draw_steps(
    patients: Patients, stage: StageConfig, *, rate: float, steps: int, seed_parts: tuple[int | str, ...]
) -> list[list[Bag]]:
    """A Poisson sample of the patients for each step, with one bag of one scan of each.

    Who is sampled is drawn from the operating system's randomness: the accountant counts on its secrecy. The
    lobes within a scan follow from `seed_parts`, the step and the scan's key as in `draw_batches`.
    """
    draw = secrets.SystemRandom()
    return [
        [
            draw_bag_of(draw.choice(scans), stage, (*seed_parts, step))
            for scans in patients
            if draw.random() < rate
        ]
        for step in range(steps)
    ]


def train_privately(
    network: LobeNetwork,
    task: Task,
    steps: Iterable[Sequence[Batch]],
    stage: StageConfig,
    *,
    noise: Noise,
    rates: Sequence[float],
    dtype: torch.dtype,
    after_step: Callable[[], None] | None = None,
) -> None:
    """Take one step for each sample of patients, each a batch of one scan; `rates` has each step's rate.

    No loss is kept: it would tell of the patients.

    Raises PneumofedError `diverged` where the weights are no longer finite, which noise and clipping hide
    nothing of.
    """
    prepare(network, task, stage)
    trainable = [p for p in network.parameters() if p.requires_grad]
    optimizer = DPOptimizer(
        make_optimizer(trainable, stage),
        noise_multiplier=noise.multiplier,
        max_grad_norm=noise.clip_norm,
        expected_batch_size=noise.expected_patients,
        generator=noise.generator,
        secure_mode=True,
    )
    for rate, scans in zip(rates, steps, strict=True):
        set_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        gradients = [scan_gradient(network, task, scan, stage, dtype, trainable) for scan in scans]
        for index, parameter in enumerate(trainable):
            samples = _stacked([gradient[index] for gradient in gradients], parameter)
            setattr(parameter, "grad_sample", samples)  # where Opacus looks for it  # noqa: B010
        optimizer.step()
        if after_step is not None:
            after_step()
    optimizer.zero_grad(set_to_none=True)
    if not all(torch.isfinite(parameter).all() for parameter in trainable):
        raise PneumofedError("diverged", "the weights are not finite; lower the learning rate of this stage")


def scan_gradient(
    network: LobeNetwork,
    task: Task,
    scan: Batch,
    stage: StageConfig,
    dtype: torch.dtype,
    trainable: Sequence[nn.Parameter],
) -> list[Tensor]:
    """The gradient of the loss of one scan's bag; zero where it is not finite, as no clipping bounds that."""
    loss = stage_loss(network, task, scan, stage, dtype)
    gradient = torch.autograd.grad(loss, trainable, allow_unused=True, materialize_grads=True)
    if all(torch.isfinite(part).all() for part in gradient):
        return list(gradient)
    return [torch.zeros_like(part) for part in gradient]


def _stacked(gradients: Sequence[Tensor], parameter: nn.Parameter) -> Tensor:
    """[scan, ...]; a step that nobody was sampled for is noise alone."""
    return torch.stack(list(gradients)) if gradients else parameter.new_zeros((0, *parameter.shape))
