"""One hospital's part in a study: describe, train a round, evaluate. Runs without Flower."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from client.learning.batches import Bag, Batch, batches_of_features, read_batches
from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_inference import chunks, decide, extract_batches, group_by_extractor
from client.learning.local_round import Learner, LocalRound, PlainLearner, Progress
from client.learning.precision import activation_dtype
from client.privacy.ledger import PrivacyLedger
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import LABELS, LABELS_OF, TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.metrics import ScoreHistogram, SiteEvaluation
from shared_model.network_weights import load_weights, to_weights
from shared_model.networks import LobeFeatures, LobeNetwork, make_networks
from shared_model.protocol import Role, Split, is_trained
from shared_model.sampling import scan_generator
from shared_model.scan_decision import scan_logit
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights, fingerprint


@dataclass(frozen=True)
class TrainOutcome:
    """What a hospital returns of a round.

    weights: the arrays trained, of networks with scans only; scans: how many scans each network of the stage
    learned from; loss: mean loss over the round's batches, per network with scans. In a private study scans
    are no more than the description tells, and there is no loss.
    """

    weights: Weights
    scans: dict[Task, int]
    loss: dict[Task, float]


class Site:
    """The data zone of one hospital: its store, the study it agreed to, its device.

    state: the hospital's folder for what must outlive the process: the privacy ledger, steps of an unfinished
    round, which scans a loss diverged on. Without one nothing does, and no private study is trained.

    Raises PneumofedError `store-fingerprint` where the store was made with other preprocessing than the
    study's, `privacy-no-ledger` where a private study would train without a state folder.
    """

    def __init__(
        self,
        store: LobeStore,
        study: StudyConfig,
        *,
        role: Role,
        device: torch.device | str = "cpu",
        count_floor: int = 10,
        state: Path | None = None,
    ) -> None:
        if store.fingerprint != study.preprocessing:
            raise PneumofedError(
                "store-fingerprint",
                f"the store was made with preprocessing {store.fingerprint}, study {study.name!r} needs "
                f"{study.preprocessing}; prepare the studies again with this version",
            )
        if study.privacy is not None and role == "training" and state is None:
            raise PneumofedError(
                "privacy-no-ledger", "private training needs the hospital's ledger; name its state folder"
            )
        self.store, self.study, self.role, self.count_floor = store, study, role, count_floor
        self._state = state
        self._made: Learner | None = None
        self.device = torch.device(device)
        self.dtype = activation_dtype(study.precision, self.device)
        self.studies = store.studies()
        self._frozen: FrozenFeatures | None = None
        self.networks = {
            name: module.to(self.device).to(memory_format=torch.channels_last)
            for name, module in make_networks(study.network).items()
        }

    def describe(self) -> dict[str, Any]:
        """Role, fingerprints and scans by split and label, as `protocol.SiteDescription` has them."""
        splits: dict[str, list[ScanRecord]] = {"all": self.studies}
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
        this, learner = LocalRound(stage, round, fingerprint(weights)), self._learner()
        studies = {task: self._learned_from(task) for task in config.networks}
        learner.begin(this)
        trained: Weights = {}
        loss: dict[Task, float] = {}
        for task, learned_from in studies.items():
            if not learned_from:
                continue
            network = self.networks[task]
            read = partial(self._tensors, network=network, stage=config)
            with self._chance_of(task, this, learned_from):
                found = learner.learn(network, task, this, read, dtype=self.dtype, progress=progress)
            if found is not None:
                loss[task] = found
            trained |= {
                name: array for name, array in to_weights({task: network}).items() if is_trained(name, config)
            }
        learner.end(this)
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

    def _scan_logits(self, tasks: Sequence[Task], study: ScanRecord) -> dict[Task, float]:
        """What the networks say of a scan (2.6)."""
        lobes: dict[Task, list[Tensor]] = {task: [] for task in tasks}
        for group in group_by_extractor({task: self.networks[task] for task in tasks}):
            for features in self._features(self.networks[group[0]], study):
                for task in group:
                    lobes[task].append(decide(self.networks[task], features, dtype=self.dtype).lobe)
        return {
            task: scan_logit(
                torch.cat(parts).cpu().numpy(), study.slice_index, study.side, self.study.scan_share(task)
            )
            for task, parts in lobes.items()
        }

    def _features(self, network: LobeNetwork, study: ScanRecord) -> Iterator[LobeFeatures]:
        """What `network` sees in a scan, in batches."""
        if self._frozen is not None and study in self._frozen and self._frozen.serves(network):
            seen = self._frozen.of(study)
            yield from (seen.some(chunk).features for chunk in chunks(len(seen)))
            return
        for _, _, features in extract_batches(
            network,
            lambda lobes: self.store.read(study.key, lobes),
            len(study.side),
            device=self.device,
            dtype=self.dtype,
        ):
            yield features

    def _learned_from(self, task: Task) -> list[ScanRecord]:
        return [s for s in self._part("train") if s.label in LABELS_OF[task]]

    @contextmanager
    def _chance_of(self, task: Task, this: LocalRound, studies: list[ScanRecord]) -> Iterator[None]:
        """Dropout draws from torch's global generators; forking keeps the rest of the process out of it."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            parts = (self.study.seed, task, this.stage, this.number, "dropout", *(s.key for s in studies))
            torch.manual_seed(int(scan_generator(*parts).integers(2**63)))
            yield

    def _learner(self) -> Learner:
        """Made once: the least noise is sought for a while."""
        if self._made is None:
            learns = {network: self._learned_from(network) for network in self.networks}
            if self.study.privacy is None or self._state is None:
                self._made = PlainLearner(self.study, learns, self._state)
            else:
                from client.privacy.private_round import PrivateLearner  # Opacus takes seconds to load

                ledger = PrivacyLedger(self._state)
                self._made = PrivateLearner(self.study, self.study.privacy, learns, ledger)
        return self._made

    def _say(self, studies: list[ScanRecord]) -> int:
        """The hospital's say in a network: its scans; in a private study no more than it described."""
        if self.study.privacy is None or not studies:
            return len(studies)
        counts = [self._floored(sum(s.label == label for s in studies)) for label in LABELS]
        return max(1, sum(count for count in counts if count is not None))

    def _tensors(self, batches: list[list[Bag]], network: LobeNetwork, stage: StageConfig) -> Iterator[Batch]:
        """The batches as the stage's network takes them: where its features rest, as already seen."""
        if stage.part == "decision":
            self._freeze(network)
            if self._frozen is not None:
                return batches_of_features(self._frozen, batches)
        return read_batches(self.store, batches, self.device)

    def _freeze(self, network: LobeNetwork) -> None:
        """Keep what `network` sees in the scans that a stage trains and validates on, if memory allows."""
        if self._frozen is not None and self._frozen.serves(network):
            return
        self._frozen = None
        again = [*self._part("train"), *self._part("validation")]
        if FrozenFeatures.fit(network, again, self.dtype):
            self._frozen = FrozenFeatures(network, self.store, again, device=self.device, dtype=self.dtype)

    def _part(self, part: str) -> list[ScanRecord]:
        return [s for s in self.studies if self.study.split.part_of(s.fold) == part]

    def _floored(self, count: int) -> int | None:
        return count if count == 0 or count >= self.count_floor else None
