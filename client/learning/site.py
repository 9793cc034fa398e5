"""One hospital's part in a study: describe, train a round, evaluate. Runs without Flower."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import torch

from client.learning.activation_dtype import activation_dtype
from client.learning.batches import Bag, Batch, frozen_feature_batches, read_batches
from client.learning.evaluation import ScoredScan, at_the_floor, evaluation_of, patient_count
from client.learning.frozen_features import FrozenFeatures
from client.learning.local_training import LocalTraining, PlainTraining, TrainingFactory, TrainingRound
from client.learning.scan_logits import scan_logits
from client.learning.scan_scoring import ScanScorer
from client.learning.scan_sums import sum_figures, summed_labels
from client.learning.training_context import TrainingContext
from preprocessing.settings import VERSION
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import LABELS, LABELS_OF, NEGATIVE, POSITIVE, TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.network_weights import load_weights, to_weights
from shared_model.networks import LobeNetwork, make_networks
from shared_model.progress import Progress
from shared_model.protocol import SCORED, SPLITS, Role, SiteDescription, Split, TrainResult, is_trained
from shared_model.sampling import scan_generator
from shared_model.study import StudyConfig
from shared_model.study_stage import Part, StageConfig
from shared_model.versions import PREPROCESSING, TRAINER, package_version
from shared_model.weights import Weights, fingerprint


class Site:
    """The data zone of one hospital: its store, the study it agreed to, its device.

    training: makes the way its networks are trained (client/privacy/hospital_training.py at a hospital). The
    default adds no noise and writes no state to disk. scratch: folder for features that do not fit in memory
    (FrozenFeatures); None: the system's for temporary files. features: of scans whose features are known.
    scans: those of the store that the study works on, by default all.

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
        scratch: Path | None = None,
        features: FrozenFeatures | None = None,
        scans: list[ScanRecord] | None = None,
    ) -> None:
        if store.fingerprint != study.preprocessing:
            raise PneumofedError(
                "store-fingerprint",
                f"the store was made with preprocessing {store.fingerprint}, study {study.name!r} needs "
                f"{study.preprocessing}; prepare the scans again with this version",
            )
        self.store, self.study, self.role, self.count_floor = store, study, role, count_floor
        self.scratch = scratch
        self.device = torch.device(device)
        self.dtype = activation_dtype(study.precision, self.device)
        self.scans = store.scans() if scans is None else scans
        training_scans = {task: self._training_scans(task) for task in TASKS}
        self._training = training(study, training_scans) if role == "training" else None
        self._frozen = features
        self.networks = {
            name: module.to(self.device).to(memory_format=torch.channels_last)
            for name, module in make_networks(study.network).items()
        }

    def describe(self) -> SiteDescription:
        """Role, fingerprints and patients by split and label, for the splits of the role."""
        counts: dict[str, dict[str, int | None]] = {
            split: {label: self._told(split, label) or None for label in LABELS}
            for split in SPLITS[self.role]
        }
        return SiteDescription(
            self.role,
            self.study.fingerprint,
            self.store.fingerprint,
            self.count_floor,
            counts,
            {TRAINER: package_version(), PREPROCESSING: str(VERSION)},
        )

    def train(
        self, weights: Weights, *, stage: int, round: int, progress: Progress | None = None
    ) -> TrainResult[Weights]:
        """Train round number `round` (from 1) of stage number `stage` (from 0) from the global `weights`.

        Raises PneumofedError `held-out` at a hospital that never trains, `no-such-round` for a round that the
        study does not have, `diverged` if a loss is not finite, `too-few-patients` for a round on fewer
        patients of a label than the floor, `architecture-mismatch` for weights of other networks; in a
        private study, whose rounds are charged before they are trained, `privacy-budget-spent` and the errors
        of PrivacyLedger.
        """
        if self._training is None:
            raise PneumofedError("held-out", "this hospital evaluates only; leave it out of training rounds")
        if not (0 <= stage < len(self.study.stages) and 1 <= round <= self.study.stages[stage].rounds):
            raise PneumofedError("no-such-round", f"the study has no round {round} of a stage {stage}")
        load_weights(self.networks, weights)
        if self.study.stages[stage].part == "scan":
            return self._sum_figures(self.study.stages[stage], progress)
        config, this_round = self.study.stages[stage], TrainingRound(stage, round, fingerprint(weights))
        parts = self._parts_trained(config)
        if parts:
            self._training.begin_round(this_round)
        trained: Weights = {}
        scans: dict[str, int] = dict.fromkeys(config.networks, 0)
        losses: dict[str, float] = {}
        for task, part in parts.items():
            trains = config.model_copy(update={"part": part})
            context = TrainingContext(
                task, trains, self.dtype, progress, self.study.proximal_mu, self.count_floor
            )
            loss = self._train_network(self._training, this_round, context)
            if loss is not None:
                losses[task] = loss
            arrays = to_weights({task: self.networks[task]})
            trained |= {name: array for name, array in arrays.items() if is_trained(name, context.stage)}
            scans[task] = self._say(task, config)
        self._training.end_round()
        return TrainResult(trained, scans, losses)

    def _sum_figures(self, stage: StageConfig, progress: Progress | None) -> TrainResult[Weights]:
        """The sums of a scan decision in closed form, by label; `scans` are the patients that are summed."""
        figure_set = self.study.network.scan_figures
        if figure_set is None:
            raise ValueError("a study with a stage of part 'scan' has scan figures")
        scorer = ScanScorer(self.networks, self.store, self.dtype, self._frozen)
        by_label = summed_labels(self._part("train"), figure_set, self.count_floor)
        sums = sum_figures(scorer, by_label, figure_set, progress)
        arrays = cast(Weights, sums.to_arrays())  # int64, in the place of weights
        patients = {label: patient_count(scans) for label, scans in by_label.items()}
        told: dict[str, int] = {
            task: sum(patients.get(label, 0) for label in LABELS_OF[task]) for task in stage.networks
        }
        return TrainResult(arrays, told, {})

    def _parts_trained(self, stage: StageConfig) -> dict[Task, Part]:
        """What this hospital trains of each network: nothing if it tells of no patient of the labels."""
        parts = {
            task: stage.part_trained(task, two_class=self._has_both_classes(task)) for task in stage.networks
        }
        told = {task: any(self._told("train", label) for label in LABELS_OF[task]) for task in parts}
        return {task: part for task, part in parts.items() if part is not None and told[task]}

    def _has_both_classes(self, task: Task) -> bool:
        """Whether there are enough training patients of both labels of the task to tell of them."""
        return all(
            any(self._told("train", label) for label in labels) for labels in (POSITIVE[task], NEGATIVE[task])
        )

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
        operating_point: Mapping[Task, float] | None = None,
        progress: Progress | None = None,
    ) -> SiteEvaluation:
        """Histograms of scan scores under `weights`, by task and label (2.6), for labels not below the floor.

        With an `operating_point`, the probabilities of both tasks, also what these scans are called, and
        histograms of the study's subgroups where the floor allows it (subgroups.py). Raises
        PneumofedError `no-such-split`, as for training scans; `scores-private` in a private study at a
        hospital that trains: scores have no noise.
        """
        if split not in SCORED[self.role]:
            raise PneumofedError("no-such-split", f"scores are told of {', '.join(SCORED[self.role])}")
        if self.study.privacy is not None and self.role == "training":
            raise PneumofedError("scores-private", "in a private study, hospitals that train send no scores")
        load_weights(self.networks, weights)
        by_label = at_the_floor(self._part(split), self.count_floor)
        needed = {label: self._networks_needed(tasks, label, operating_point) for label in by_label}
        requests = [(scan, needed[label]) for label in by_label if needed[label] for scan in by_label[label]]
        scored: list[ScoredScan] = []
        scorer = ScanScorer(self.networks, self.store, self.dtype, self._frozen)
        for done, lobes in enumerate(scorer.decide(requests), start=1):
            logits = scan_logits(self.networks, lobes.scan_lobes, self.study)
            scored.append((lobes.scan, {task: logits[task] for task in logits if task in tasks}))
            if progress is not None:
                progress(done, len(requests))
        division = None if operating_point is None else self.study.subgroups
        return evaluation_of(scored, operating_point, division, self.count_floor)

    def _networks_needed(
        self, tasks: Sequence[Task], label: str, operating_point: Mapping[Task, float] | None
    ) -> Sequence[Task]:
        """The networks that decide on a scan. Figures come from both; calls need all tasks."""
        decided = [task for task in tasks if label in LABELS_OF[task]]
        if decided and self.study.network.scan_figures is not None:
            return TASKS
        return tasks if operating_point else decided

    def _read_batches(
        self, batches: list[list[Bag]], network: LobeNetwork, stage: StageConfig
    ) -> Iterator[Batch]:
        """The batches as the stage trains on them: frozen features if it trains the deciders, else images."""
        if stage.part == "decision":
            return frozen_feature_batches(self._freeze_features(network), batches)
        return read_batches(self.store, batches, self.device)

    def _freeze_features(self, network: LobeNetwork) -> FrozenFeatures:
        """Hold the features of the scans that a stage trains and validates on."""
        if self._frozen is not None and self._frozen.valid_for(network):
            return self._frozen
        self._frozen = None  # frees their memory before others take some
        scans = [*self._part("train"), *self._part("validation")]
        self._frozen = FrozenFeatures(network, self.store, scans, self.dtype, self.scratch)
        return self._frozen

    @contextmanager
    def _seeded_dropout(self, task: Task, round: TrainingRound) -> Iterator[None]:
        """Seeds torch's global generators, which dropout draws from, and restores them afterwards."""
        keys = [scan.key for scan in self._training_scans(task)]
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            parts = (self.study.seed, task, round.stage, round.number, "dropout", *keys)
            torch.manual_seed(int(scan_generator(*parts).integers(2**63)))
            yield

    def _training_scans(self, task: Task) -> list[ScanRecord]:
        """Of the labels that are told of alone.

        Under weights of the coordinator's choice an update counts the scans of a label, and shows the
        features of a single one.
        """
        told = {label for label in LABELS_OF[task] if self._told("train", label)}
        return [scan for scan in self._part("train") if scan.label in told]

    def _part(self, split: str) -> list[ScanRecord]:
        """The scans of "train", "validation", "test" or "all"."""
        if split == "all":
            return self.scans
        return [scan for scan in self.scans if self.study.split.part_of(scan.fold) == split]

    def _say(self, task: Task, stage: StageConfig) -> int:
        """The hospital's weight in the average of a network that it trained."""
        if stage.say == "equal":
            return 1
        return sum(self._told("train", label) for label in LABELS_OF[task])

    def _told(self, split: str, label: str) -> int:
        """The patients of a label in a split if they are as many as the floor, else 0."""
        count = patient_count(scan for scan in self._part(split) if scan.label == label)
        return count if count >= self.count_floor else 0
