"""Training with patient-level privacy: each round is charged to the ledger before it is trained."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from client.learning.activation_dtype import device_of
from client.learning.batches import Bag, Batch
from client.learning.local_training import ReadBatches, TrainingRound, TrainingScans, check_patients
from client.learning.training_context import TrainingContext
from client.privacy.accounting import charge_for_round, choose_noise_multiplier, total_epsilon
from client.privacy.dp_sgd import (
    DpParameters,
    group_by_patient,
    sample_patients,
    train_privately,
    unpredictable_generator,
)
from client.privacy.ledger import PrivacyLedger
from shared_model.networks import LobeNetwork
from shared_model.study import WEAK_EPSILON, PrivacyConfig, StudyConfig


class PrivateTraining:
    """A LocalTraining that adds noise and stays within the study's privacy budget."""

    def __init__(
        self, study: StudyConfig, privacy: PrivacyConfig, scans: TrainingScans, ledger: PrivacyLedger
    ) -> None:
        self._study, self._privacy, self._ledger = study, privacy, ledger
        self._patients = {task: group_by_patient(of_task) for task, of_task in scans.items()}

    @cached_property
    def _noise_multiplier(self) -> float:
        """Cached, as the search for the least noise takes a while."""
        counts = {task: len(patients) for task, patients in self._patients.items()}
        return choose_noise_multiplier(self._study, self._privacy, counts)

    def begin_round(self, round: TrainingRound) -> None:
        """Charge the round to the ledger.

        Raises PneumofedError as `choose_noise_multiplier` and `PrivacyLedger.spend`.
        """
        stage, noise = self._study.stages[round.stage], self._noise_multiplier
        patients = [len(self._patients[task]) for task in stage.networks]
        charges = [charge_for_round(count, stage, noise) for count in patients if count]
        if charges:
            self._ledger.spend(
                charges,
                total_epsilon=lambda all_charges: total_epsilon(all_charges, self._privacy.delta),
                limit=self._privacy.epsilon,
                delta=self._privacy.delta,
                study=self._study.fingerprint,
                stage=round.stage,
                round=round.number,
            )

    def train(
        self, network: LobeNetwork, round: TrainingRound, context: TrainingContext, read: ReadBatches
    ) -> None:
        """Train with the steps and the noise that the round was charged for. No loss is disclosed.

        Raises PneumofedError `too-few-patients` as a round without noise does, if epsilon is so large that
        its noise protects nobody.
        """
        stage, patients = context.stage, self._patients[context.task]
        charge = charge_for_round(len(patients), stage, self._noise_multiplier)
        seed_parts = (self._study.seed, context.task, round.stage, round.number)
        bags = sample_patients(patients, stage, charge, seed_parts)
        if self._privacy.epsilon > WEAK_EPSILON:
            check_patients(bags, context.least_patients)
        noise = DpParameters(
            clip_norm=self._privacy.clip_norm,
            multiplier=charge.noise_multiplier,
            expected_patients=charge.sample_rate * len(patients),
            generator=unpredictable_generator(device_of(network)),
        )
        rates = stage.learning_rates(round.number, charge.steps)
        train_privately(network, _one_scan_per_batch(bags, read), rates, context, noise)

    def end_round(self) -> None:
        """Nothing to delete: an interrupted round is repeated and charged again."""


def _one_scan_per_batch(steps: list[list[Bag]], read: ReadBatches) -> Iterator[list[Batch]]:
    """For each step a batch for each of its scans, read ahead across steps."""
    batches = read([[bag] for step in steps for bag in step])
    for step in steps:
        yield list(islice(batches, len(step)))
