"""One hospital's part in a study: describe, train a round, evaluate. Runs without Flower."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from client.batches import Bag, Batch, draw_batches, read_batches, seen_batches
from client.inference import by_extractor, chunks, decide, each_sight
from client.learning import train_network
from client.precision import activation_dtype
from client.privacy_ledger import PrivacyLedger
from client.resting import RestingFeatures
from preprocessing.store import LABELS, LobeStore, Study
from shared_model.aggregation import scan_logit
from shared_model.config import Network, StageConfig, StudyConfig
from shared_model.errors import PneumofedError
from shared_model.metrics import TASKS, ScoreHistogram, SiteEvaluation, Task
from shared_model.networks import LobeNetwork, LobeSight, make_networks
from shared_model.protocol import LABELS_OF, Role, Split, is_trained
from shared_model.sampling import scan_generator
from shared_model.transport import Weights, load_weights, to_weights

if TYPE_CHECKING:  # Opacus comes with it; only a private study loads that
    from client.private_training import PrivateTraining

Progress = Callable[[int, int], None]
"""Called with steps (or scans) done and in all."""


@dataclass(frozen=True)
class TrainOutcome:
    """What a hospital returns of a round.

    weights: the arrays trained, of networks with scans only; scans: how many scans each network of the stage
    learned from; loss: mean loss over the round's batches, per network with scans. In a private study scans
    are no more than the description tells, and there is no loss.
    """

    weights: Weights
    scans: dict[Network, int]
    loss: dict[Network, float]


class Site:
    """The data zone of one hospital: its store, the study it agreed to, its device.

    ledger: what private training has spent here; only a private study needs it.

    Raises PneumofedError `store-fingerprint` where the store was made with other preprocessing than the
    study's, `privacy-no-ledger` where a private study would train without one.
    """

    def __init__(
        self,
        store: LobeStore,
        study: StudyConfig,
        *,
        role: Role,
        device: torch.device | str = "cpu",
        count_floor: int = 10,
        ledger: PrivacyLedger | None = None,
    ) -> None:
        if store.fingerprint != study.preprocessing:
            raise PneumofedError(
                "store-fingerprint",
                f"the store was made with preprocessing {store.fingerprint}, study {study.name!r} needs "
                f"{study.preprocessing}; prepare the studies again with this version",
            )
        if study.privacy is not None and role == "training" and ledger is None:
            raise PneumofedError(
                "privacy-no-ledger", "private training needs the hospital's ledger; name its state folder"
            )
        self.store, self.study, self.role, self.count_floor = store, study, role, count_floor
        self._ledger = ledger
        self._private_training: PrivateTraining | None = None
        self.device = torch.device(device)
        self.dtype = activation_dtype(study.precision, self.device)
        self.studies = store.studies()
        self._resting: RestingFeatures | None = None
        self.networks = {
            name: module.to(self.device).to(memory_format=torch.channels_last)
            for name, module in make_networks(study.network).items()
        }

    def describe(self) -> dict[str, Any]:
        """Role, fingerprints and scans by split and label, as `protocol.SiteDescription` has them."""
        splits: dict[str, list[Study]] = {"all": self.studies}
        splits |= {part: self._part(part) for part in ("train", "validation", "test")}
        counts = {
            split: {label: self._floored(sum(s.label == label for s in chosen)) for label in LABELS}
            for split, chosen in splits.items()
        }
        return {
            "role": self.role,
            "study": self.study.fingerprint,
            "store": self.store.fingerprint,
            "count_floor": self.count_floor,
            "counts": counts,
        }

    def train(
        self, weights: Weights, *, stage: int, round: int, progress: Progress | None = None
    ) -> TrainOutcome:
        """Train round number `round` (from 1) of stage number `stage` (from 0) from the global `weights`.

        Raises PneumofedError `held-out` at a hospital that never trains, `diverged` where a loss is not
        finite, `architecture-mismatch` for weights of other networks; in a private study, whose training is
        paid for before it starts, `privacy-budget-spent` and the ledger's own.
        """
        if self.role == "held-out":
            raise PneumofedError("held-out", "this hospital evaluates only; leave it out of training rounds")
        load_weights(self.networks, weights)
        config = self.study.stages[stage]
        studies = {
            task: [s for s in self._part("train") if s.label in LABELS_OF[task]] for task in config.networks
        }
        private = self._private()
        charges = {} if private is None else private.pay(stage, round)
        trained: Weights = {}
        loss: dict[Network, float] = {}
        for task, learned_from in studies.items():
            if not learned_from:
                continue
            with self._chance_of(task, stage, round, learned_from):
                if private is None:
                    loss[task] = self._train_network(task, learned_from, stage, round, progress)
                else:
                    network = self.networks[task]
                    private.train(
                        network,
                        task,
                        charges[task],
                        partial(self._tensors, network=network, stage=config),
                        stage=stage,
                        round=round,
                        device=self.device,
                        dtype=self.dtype,
                        progress=progress,
                    )
            trained |= {
                name: array
                for name, array in to_weights({task: self.networks[task]}).items()
                if is_trained(name, config)
            }
        scans = {task: self._say(learned_from) for task, learned_from in studies.items()}
        return TrainOutcome(trained, scans, loss)

    def evaluate(
        self,
        weights: Weights,
        *,
        split: Split,
        tasks: Sequence[Task] = TASKS,
        progress: Progress | None = None,
    ) -> SiteEvaluation:
        """Scan scores under `weights`, per task and label (2.6); a label below the floor is left out.

        A held-out hospital has one part, "all"; elsewhere "all" joins training scans too. Raises
        PneumofedError `scores-private` in a private study at a hospital that trains: scores have no noise.
        """
        if self.study.privacy is not None and self.role == "training":
            raise PneumofedError("scores-private", "this study lets no scores leave a hospital that trains")
        load_weights(self.networks, weights)
        studies = self.studies if split == "all" else self._part(split)
        histograms: dict[Task, dict[str, ScoreHistogram]] = {task: {} for task in TASKS}
        asked = {
            label: chosen
            for label in LABELS
            if any(label in LABELS_OF[task] for task in tasks)
            and len(chosen := [s for s in studies if s.label == label]) >= max(1, self.count_floor)
        }
        done, total = 0, sum(map(len, asked.values()))
        for label, chosen in asked.items():
            logits: dict[Task, list[float]] = {task: [] for task in tasks if label in LABELS_OF[task]}
            for study in chosen:
                for task, logit in self._scan_logits(tuple(logits), study).items():
                    logits[task].append(logit)
                done += 1
                if progress is not None:
                    progress(done, total)
            for task in logits:
                histograms[task][label] = ScoreHistogram.of(np.array(logits[task]))
        return SiteEvaluation(histograms)

    def _scan_logits(self, tasks: Sequence[Task], study: Study) -> dict[Task, float]:
        """Eq. 2 on what the networks say of a scan."""
        lobes: dict[Task, list[Tensor]] = {task: [] for task in tasks}
        for group in by_extractor({task: self.networks[task] for task in tasks}):
            for sight in self._sights(self.networks[group[0]], study):
                for task in group:
                    lobes[task].append(decide(self.networks[task], sight, dtype=self.dtype).lobe)
        return {
            task: scan_logit(torch.cat(parts).cpu().numpy(), study.slice_index, study.side)
            for task, parts in lobes.items()
        }

    def _sights(self, network: LobeNetwork, study: Study) -> Iterator[LobeSight]:
        """What `network` sees in a scan, in batches."""
        if self._resting is not None and study in self._resting and self._resting.serves(network):
            seen = self._resting.of(study)
            yield from (seen.some(chunk).sight for chunk in chunks(len(seen)))
            return
        for _, _, sight in each_sight(
            network,
            lambda lobes: self.store.read(study.key, lobes),
            len(study.side),
            device=self.device,
            dtype=self.dtype,
        ):
            yield sight

    def _train_network(
        self, task: Network, studies: list[Study], stage: int, round: int, progress: Progress | None
    ) -> float:
        config = self.study.stages[stage]
        batches = draw_batches(studies, config, (self.study.seed, task, stage, round))
        done = iter(range(1, len(batches) + 1))
        return train_network(
            self.networks[task],
            task,
            self._tensors(batches, self.networks[task], config),
            config,
            learning_rate=config.learning_rate_at(round),
            dtype=self.dtype,
            after_step=lambda: None if progress is None else progress(next(done), len(batches)),
        )

    @contextmanager
    def _chance_of(self, task: Network, stage: int, round: int, studies: list[Study]) -> Iterator[None]:
        """Dropout draws from torch's global generators; forking keeps the rest of the process out of it."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            parts = (self.study.seed, task, stage, round, "dropout", *(s.key for s in studies))
            torch.manual_seed(int(scan_generator(*parts).integers(2**63)))
            yield

    def _private(self) -> "PrivateTraining | None":
        """What trains in a private study; opened once, as the least noise is sought for a while."""
        privacy = self.study.privacy
        if privacy is None or self._ledger is None:
            return None
        if self._private_training is None:
            from client.private_training import PrivateTraining

            part = self._part("train")
            learns = {
                network: [s for s in part if s.label in LABELS_OF[network]] for network in self.networks
            }
            self._private_training = PrivateTraining(self.study, privacy, self._ledger, learns)
        return self._private_training

    def _say(self, studies: list[Study]) -> int:
        """The hospital's say in a network: its scans; in a private study no more than it described."""
        if self.study.privacy is None or not studies:
            return len(studies)
        counts = [self._floored(sum(s.label == label for s in studies)) for label in LABELS]
        return max(1, sum(count for count in counts if count is not None))

    def _tensors(self, batches: list[list[Bag]], network: LobeNetwork, stage: StageConfig) -> Iterator[Batch]:
        """The batches as the stage's network takes them: where its features rest, as already seen."""
        if stage.part == "decision":
            self._rest(network)
            if self._resting is not None:
                return seen_batches(self._resting, batches)
        return read_batches(self.store, batches, self.device)

    def _rest(self, network: LobeNetwork) -> None:
        """Keep what `network` sees in the scans that a stage trains and validates on, if memory allows."""
        if self._resting is not None and self._resting.serves(network):
            return
        self._resting = None
        again = [*self._part("train"), *self._part("validation")]
        if RestingFeatures.fit(network, again, self.dtype):
            self._resting = RestingFeatures(network, self.store, again, device=self.device, dtype=self.dtype)

    def _part(self, part: str) -> list[Study]:
        return [s for s in self.studies if self.study.split.part_of(s.fold) == part]

    def _floored(self, count: int) -> int | None:
        return count if count == 0 or count >= self.count_floor else None
