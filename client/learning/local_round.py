"""One round of training at a hospital; the differentially private one is client/privacy/private_round.py."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from client.learning.batches import Bag, Batch, draw_batches
from client.learning.step_checkpoint import StepCheckpoint
from client.learning.training_steps import DivergedError, device_of, train_network
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import Task
from shared_model.files import write_atomically
from shared_model.networks import LobeNetwork
from shared_model.study import StudyConfig

Progress = Callable[[int, int], None]
"""Called with steps (or scans) done and in all."""

ReadBatches = Callable[[list[list[Bag]]], Iterator[Batch]]
"""The batches of bags as the network takes them."""

UNFINISHED, DIVERGED = "unfinished", "diverged.json"


@dataclass(frozen=True)
class LocalRound:
    """stage: from 0; number: from 1 within it; start: fingerprint of the global weights it begins with."""

    stage: int
    number: int
    start: str


class Learner(Protocol):
    """How a hospital's networks learn in the rounds of a study."""

    def begin(self, this: LocalRound) -> None:
        """Before anything is learned; may refuse."""

    def learn(
        self,
        network: LobeNetwork,
        task: Task,
        this: LocalRound,
        read: ReadBatches,
        *,
        dtype: torch.dtype,
        progress: Progress | None,
    ) -> float | None:
        """Train `network`; the mean loss, None where it is not told."""

    def end(self, this: LocalRound) -> None:
        """All networks of the round have learned."""


class PlainLearner:
    """Without noise; learns: the training scans of each network; state: the hospital's folder, or none.

    With a state folder a round that was cut off goes on from its last kept step, and a loss that diverges
    leaves the anonymous keys of its scans in `diverged.json`.
    """

    def __init__(
        self, study: StudyConfig, learns: Mapping[Task, Sequence[ScanRecord]], state: Path | None
    ) -> None:
        self._study, self._learns, self._state = study, learns, state

    def begin(self, this: LocalRound) -> None:
        """Nothing is to be paid."""

    def learn(
        self,
        network: LobeNetwork,
        task: Task,
        this: LocalRound,
        read: ReadBatches,
        *,
        dtype: torch.dtype,
        progress: Progress | None,
    ) -> float:
        """As of Learner. Raises DivergedError."""
        stage = self._study.stages[this.stage]
        batches = draw_batches(self._learns[task], stage, (self._study.seed, task, this.stage, this.number))
        rates = stage.learning_rates(this.number, len(batches))
        step_file = self._step_file(task, this, device_of(network))
        kept = None if step_file is None else step_file.read()
        before = 0 if kept is None else len(kept["losses"])
        done = iter(range(before + 1, len(batches) + 1))
        try:
            return train_network(
                network,
                task,
                read(batches[before:]),
                stage,
                rates=rates[before:],
                dtype=dtype,
                after_step=lambda: None if progress is None else progress(next(done), len(batches)),
                kept=kept,
                step_file=step_file,
            )
        except DivergedError as error:
            self._write_diverged(error, task, this)
            raise

    def end(self, this: LocalRound) -> None:
        if self._state is not None:
            for path in (self._state / UNFINISHED).glob("*.safetensors"):
                path.unlink()

    def _step_file(self, task: Task, this: LocalRound, device: torch.device) -> StepCheckpoint | None:
        """The file of this very task: same study, weights, scans and arithmetic."""
        if self._state is None:
            return None
        scans = (f"{study.key} {study.label}" for study in self._learns[task])
        parts = (self._study.fingerprint, task, this, *scans, torch.__version__, device.type)
        key = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
        return StepCheckpoint(self._state / UNFINISHED / f"{task}.safetensors", key)

    def _write_diverged(self, error: DivergedError, task: Task, this: LocalRound) -> None:
        """Which scans it was, for the hospital's people alone."""
        if self._state is not None:
            found = {"study": self._study.fingerprint, "network": task, "stage": this.stage}
            found |= {"round": this.number, "step": error.step, "loss": str(error.loss), "scans": error.keys}
            write_atomically(self._state / DIVERGED, json.dumps(found, indent=1).encode(), mode=0o600)
