"""One hospital's part in a study: describe, train a round, evaluate. Runs without Flower."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor

from client.learning.activation_dtype import activation_dtype
from client.learning.batches import Bag, Batch, frozen_feature_batches, read_batches
from client.learning.frozen_features import FrozenFeatures
from client.learning.lobe_inference import decide, extract_batches, group_by_extractor, inference_batches
from client.learning.local_training import LocalTraining, PlainTraining, TrainingFactory, TrainingRound
from client.learning.training_context import TrainingContext
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import LABELS, LABELS_OF, TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.network_weights import load_weights, to_weights
from shared_model.networks import LobeFeatures, LobeNetwork, make_networks
from shared_model.progress import Progress
from shared_model.protocol import Role, SiteDescription, Split, TrainResult, is_trained
from shared_model.sampling import scan_generator
from shared_model.scan_decision import scan_logit
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights, fingerprint


class Site:
    """The data zone of one hospital: its store, the study it agreed to, its device.

    training: makes the way its networks are trained (client/privacy/hospital_training.py at a hospital). The
    default adds no noise and writes no state to disk.

    Raises PneumofedError `store-fingerprint` if the store was made with other preprocessing than the study's,
    `privacy-no-ledger` if a private study would be trained without noise.
    """

    def __init__(
        self,
        store: LobeStore,
        study: StudyConfig,
        *,
        role: Role,
        device: torch.device | str = "cpu",
        count_floor: int = 10,
        training: TrainingFactory = PlainTraining,
    ) -> None:
        if store.fingerprint != study.preprocessing:
            raise PneumofedError(
                "store-fingerprint",
                f"the store was made with preprocessing {store.fingerprint}, study {study.name!r} needs "
                f"{study.preprocessing}; prepare the scans again with this version",
            )
        self.store, self.study, self.role, self.count_floor = store, study, role, count_floor
        self.device = torch.device(device)
        self.dtype = activation_dtype(study.precision, self.device)
        self.scans = store.scans()
        training_scans = {task: self._training_scans(task) for task in TASKS}
        self._training = training(study, training_scans) if role == "training" else None
        self._frozen: FrozenFeatures | None = None
        self.networks = {
            name: module.to(self.device).to(memory_format=torch.channels_last)
            for name, module in make_networks(study.network).items()
        }

    def describe(self) -> SiteDescription:
        """Role, fingerprints and scans by split and label."""
        splits: dict[str, list[ScanRecord]] = {"all": self.scans}
        splits |= {part: self._part(part) for part in ("train", "validation", "test")}
        counts: dict[str, dict[str, int | None]] = {
            split: {label: self._disclosed(sum(s.label == label for s in chosen)) for label in LABELS}
            for split, chosen in splits.items()
        }
        return SiteDescription(
            self.role, self.study.fingerprint, self.store.fingerprint, self.count_floor, counts
        )

    def train(
        self, weights: Weights, *, stage: int, round: int, progress: Progress | None = None
    ) -> TrainResult[Weights]:
        """Train round number `round` (from 1) of stage number `stage` (from 0) from the global `weights`.

        Raises PneumofedError `held-out` at a hospital that never trains, `diverged` if a loss is not finite,
        `architecture-mismatch` for weights of other networks; in a private study, whose rounds are charged
        before they are trained, `privacy-budget-spent` and the errors of PrivacyLedger.
        """
        if self._training is None:
            raise PneumofedError("held-out", "this hospital evaluates only; leave it out of training rounds")
        load_weights(self.networks, weights)
        config, this_round = self.study.stages[stage], TrainingRound(stage, round, fingerprint(weights))
        scans = {task: self._training_scans(task) for task in config.networks}
        self._training.begin_round(this_round)
        trained: Weights = {}
        losses: dict[str, float] = {}
        for task in (task for task in config.networks if scans[task]):
            context = TrainingContext(task, config, self.dtype, progress)
            loss = self._train_network(self._training, this_round, context)
            if loss is not None:
                losses[task] = loss
            arrays = to_weights({task: self.networks[task]})
            trained |= {name: array for name, array in arrays.items() if is_trained(name, config)}
        self._training.end_round()
        disclosed_scans: dict[str, int] = {
            task: self._disclosed_scans(of_task) for task, of_task in scans.items()
        }
        return TrainResult(trained, disclosed_scans, losses)

    def _train_network(
        self, training: LocalTraining, round: TrainingRound, context: TrainingContext
    ) -> float | None:
        network = self.networks[context.task]
        read = partial(self._read_batches, network=network, stage=context.stage)
        with self._seeded_dropout(context.task, round):
            return training.train(network, round, context, read)

    def evaluate(
        self,
        weights: Weights,
        *,
        split: Split,
        tasks: Sequence[Task] = TASKS,
        progress: Progress | None = None,
    ) -> SiteEvaluation:
        """Histograms of scan scores under `weights`, by task and label (2.6), for labels not below the floor.

        A held-out hospital has only the split "all"; elsewhere "all" includes training scans. Raises
        PneumofedError `scores-private` in a private study at a hospital that trains: scores have no noise.
        """
        if self.study.privacy is not None and self.role == "training":
            raise PneumofedError("scores-private", "in a private study, hospitals that train send no scores")
        load_weights(self.networks, weights)
        by_label = self._disclosed_by_label(self.scans if split == "all" else self._part(split), tasks)
        histograms: dict[Task, dict[str, ScoreHistogram]] = {task: {} for task in TASKS}
        done, total = 0, sum(map(len, by_label.values()))
        for label, scans in by_label.items():
            logits: dict[Task, list[float]] = {task: [] for task in tasks if label in LABELS_OF[task]}
            for scan in scans:
                for task, logit in self._scan_logits(tuple(logits), scan).items():
                    logits[task].append(logit)
                done += 1
                if progress is not None:
                    progress(done, total)
            for task in logits:
                histograms[task][label] = ScoreHistogram.of(np.array(logits[task]))
        return SiteEvaluation(histograms)

    def _disclosed_by_label(
        self, scans: Sequence[ScanRecord], tasks: Sequence[Task]
    ) -> dict[str, list[ScanRecord]]:
        """The scans of each label of one of `tasks`, if there are at least `max(1, count_floor)`."""
        by_label = {
            label: [scan for scan in scans if scan.label == label]
            for label in LABELS
            if any(label in LABELS_OF[task] for task in tasks)
        }
        return {label: found for label, found in by_label.items() if len(found) >= max(1, self.count_floor)}

    def _scan_logits(self, tasks: Sequence[Task], scan: ScanRecord) -> dict[Task, float]:
        """The networks' logits of a scan (2.6)."""
        lobes: dict[Task, list[Tensor]] = {task: [] for task in tasks}
        for group in group_by_extractor({task: self.networks[task] for task in tasks}):
            for features in self._extract(self.networks[group[0]], scan):
                for task in group:
                    lobes[task].append(decide(self.networks[task], features, dtype=self.dtype).lobe)
        return {
            task: scan_logit(
                torch.cat(parts).cpu().numpy(), scan.slice_index, scan.side, self.study.scan_share(task)
            )
            for task, parts in lobes.items()
        }

    def _extract(self, network: LobeNetwork, scan: ScanRecord) -> Iterator[LobeFeatures]:
        """The features of all lobes of a scan, in batches; frozen ones if the extractors are equal."""
        if self._frozen is not None and scan in self._frozen and self._frozen.valid_for(network):
            lobes = self._frozen[scan]
            yield from (lobes.select(batch).features for batch in inference_batches(len(lobes)))
            return
        read = partial(self.store.read, scan.key)
        for _, _, features in extract_batches(network, read, len(scan.side), dtype=self.dtype):
            yield features

    def _read_batches(
        self, batches: list[list[Bag]], network: LobeNetwork, stage: StageConfig
    ) -> Iterator[Batch]:
        """The batches as the stage trains on them: frozen features if it trains the deciders, else images."""
        if stage.part == "decision":
            self._freeze_features(network)
            if self._frozen is not None:
                return frozen_feature_batches(self._frozen, batches)
        return read_batches(self.store, batches, self.device)

    def _freeze_features(self, network: LobeNetwork) -> None:
        """Hold the features of the scans that a stage trains and validates on, if memory allows."""
        if self._frozen is not None and self._frozen.valid_for(network):
            return
        self._frozen = None
        scans = [*self._part("train"), *self._part("validation")]
        if FrozenFeatures.would_fit_in_memory(network, scans, self.dtype):
            self._frozen = FrozenFeatures(network, self.store, scans, self.dtype)

    @contextmanager
    def _seeded_dropout(self, task: Task, round: TrainingRound) -> Iterator[None]:
        """Seeds torch's global generators, which dropout draws from, and restores them afterwards."""
        keys = [scan.key for scan in self._training_scans(task)]
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            parts = (self.study.seed, task, round.stage, round.number, "dropout", *keys)
            torch.manual_seed(int(scan_generator(*parts).integers(2**63)))
            yield

    def _training_scans(self, task: Task) -> list[ScanRecord]:
        return [scan for scan in self._part("train") if scan.label in LABELS_OF[task]]

    def _part(self, part: str) -> list[ScanRecord]:
        """The scans of "train", "validation" or "test"."""
        return [scan for scan in self.scans if self.study.split.part_of(scan.fold) == part]

    def _disclosed_scans(self, scans: list[ScanRecord]) -> int:
        """The hospital's weight in a network's average: its training scans; in a private study the sum of
        the disclosed counts."""
        if self.study.privacy is None or not scans:
            return len(scans)
        counts = [self._disclosed(sum(scan.label == label for scan in scans)) for label in LABELS]
        return max(1, sum(count for count in counts if count is not None))

    def _disclosed(self, count: int) -> int | None:
        """`count`, or None if it is below the floor and not zero."""
        return count if count == 0 or count >= self.count_floor else None
