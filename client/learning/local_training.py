"""How a hospital trains its networks in a round; client/privacy/private_training.py does it with noise."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from client.learning.activation_dtype import device_of
from client.learning.batches import Bag, Batch, draw_batches
from client.learning.network_training import DivergedError, train_network
from client.learning.optimizer_state import OptimizerFile
from client.learning.step_checkpoint import StepCheckpoint
from client.learning.training_context import TrainingContext
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.networks import LobeNetwork
from shared_model.study import StudyConfig

TrainingScans = Mapping[Task, Sequence[ScanRecord]]
"""The scans that each network is trained on."""

ReadBatches = Callable[[list[list[Bag]]], Iterator[Batch]]
"""Reads batches in the form that the stage trains on: images, or frozen features."""

UNFINISHED, DIVERGED = "unfinished", "diverged.json"


@dataclass(frozen=True)
class TrainingRound:
    """stage: from 0; number: from 1 within the stage; start: fingerprint of the global weights before it."""

    stage: int
    number: int
    start: str


class LocalTraining(Protocol):
    """How a hospital trains its networks, round by round, in one study."""

    def begin_round(self, round: TrainingRound) -> None:
        """Called before the round's first network; may refuse the round."""

    def train(
        self, network: LobeNetwork, round: TrainingRound, context: TrainingContext, read: ReadBatches
    ) -> float | None:
        """Train `network` in place. Returns the mean loss, or None if the study does not disclose it."""

    def end_round(self) -> None:
        """Called after the round's last network."""


TrainingFactory = Callable[[StudyConfig, TrainingScans], LocalTraining]
"""Makes the LocalTraining of a study, given the hospital's training scans."""


class PlainTraining:
    """Training without noise.

    state: the hospital's state folder, if there is one. In it, an interrupted round is resumed from its last
    saved step, and if the loss diverges, its batch's anonymous keys are written to `diverged.json`.

    Raises PneumofedError `privacy-no-ledger` for a private study, which is never trained without noise.
    """

    def __init__(self, study: StudyConfig, scans: TrainingScans, state: Path | None = None) -> None:
        if study.privacy is not None:
            raise PneumofedError(
                "privacy-no-ledger", "private training needs the hospital's ledger; name its state folder"
            )
        self._study, self._scans, self._state = study, scans, state

    def begin_round(self, round: TrainingRound) -> None:
        """Nothing to prepare."""

    def train(
        self, network: LobeNetwork, round: TrainingRound, context: TrainingContext, read: ReadBatches
    ) -> float:
        """As in LocalTraining. Raises DivergedError, and PneumofedError `too-few-patients`."""
        scans, seed_parts = self._scans[context.task], (self._study.seed, context.task)
        place = (*seed_parts, round.stage, round.number)
        batches = draw_batches(scans, context.stage, place, context.least_patients)
        check_patients(batches, context.least_patients)
        rates = context.stage.learning_rates(round.number, len(batches))
        checkpoint = self._checkpoint(round, context.task, device_of(network))
        done = 0 if checkpoint is None else checkpoint.steps_done
        try:
            kept = self._optimizer_file(round, context)
            return train_network(network, read(batches[done:]), rates[done:], context, checkpoint, kept)
        except DivergedError as error:
            self._write_diverged(error, round, context.task)
            raise

    def end_round(self) -> None:
        """Delete the checkpoints: no step of a finished round is needed again."""
        if self._state is not None:
            for path in (self._state / UNFINISHED).glob("*.safetensors"):
                path.unlink()

    def _checkpoint(self, round: TrainingRound, task: Task, device: torch.device) -> StepCheckpoint | None:
        """The checkpoint for exactly this training: same study, weights, scans and arithmetic."""
        if self._state is None:
            return None
        scans = (f"{scan.key} {scan.label}" for scan in self._scans[task])
        place = (self._study.fingerprint, task, round.stage, round.number, round.start)
        parts = (*place, *scans, torch.__version__, device.type)
        key = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
        return StepCheckpoint(self._state / UNFINISHED / f"{task}.safetensors", key)

    def _optimizer_file(self, round: TrainingRound, context: TrainingContext) -> OptimizerFile | None:
        """Where the optimiser's state is kept between rounds, if the stage keeps it.

        Raises PneumofedError `no-state-folder`.
        """
        if context.stage.optimizer_state == "reset":
            return None
        if self._state is None:
            raise PneumofedError(
                "no-state-folder", "the stage keeps the optimiser's state; name the hospital's state folder"
            )
        fingerprint, folder = self._study.fingerprint, self._state / "optimizer"
        return OptimizerFile(folder, fingerprint, context.task, round.stage, round.number)

    def _write_diverged(self, error: DivergedError, round: TrainingRound, task: Task) -> None:
        """Write the batch's scan keys to diverged.json, which stays at the hospital."""
        if self._state is not None:
            found = {"study": self._study.fingerprint, "network": task, "stage": round.stage}
            found |= {"round": round.number, "step": error.step, "loss": str(error.loss), "scans": error.keys}
            write_atomically(self._state / DIVERGED, json.dumps(found, indent=1).encode(), mode=0o600)


def check_patients(batches: Sequence[Sequence[Bag]], least: int) -> None:
    """Check that the round learns from at least so many patients of each label that it learns from.

    An update of a few could show what their scans show; the coordinator's weights can leave the gradient of
    one label alone. Raises PneumofedError `too-few-patients`.
    """
    patients: dict[str, set[float]] = {}
    for bag in (bag for batch in batches for bag in batch):
        patients.setdefault(bag.scan.label, set()).add(bag.scan.fold)
    if min(map(len, patients.values()), default=0) < least:
        raise PneumofedError(
            "too-few-patients",
            f"the round would learn from fewer than {least} patients of a class, as there are no more",
        )
