"""One round of a private study at a hospital: paid for first, then trained, patient by patient."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch

from client.learning.batches import Bag, Batch
from client.learning.local_round import LocalRound, Progress, ReadBatches
from client.learning.training_steps import device_of
from client.privacy.accounting import epsilon_of, noise_multiplier_of, round_charge
from client.privacy.dp_training import Noise, by_patient, draw_steps, secret_generator, train_privately
from client.privacy.ledger import Charge, PrivacyLedger
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import Task
from shared_model.networks import LobeNetwork
from shared_model.study import PrivacyConfig, StudyConfig


class PrivateLearner:
    """With noise, within the study's budget; learns: the training scans of each network."""

    def __init__(
        self,
        study: StudyConfig,
        privacy: PrivacyConfig,
        learns: Mapping[Task, Sequence[ScanRecord]],
        ledger: PrivacyLedger,
    ) -> None:
        self._study, self._privacy, self._ledger = study, privacy, ledger
        self._patients = {network: by_patient(scans) for network, scans in learns.items()}
        counts = {network: len(patients) for network, patients in self._patients.items()}
        self._multiplier = noise_multiplier_of(study, privacy, counts)

    def begin(self, this: LocalRound) -> None:
        """Pay. Raises PneumofedError `privacy-budget-spent` and the ledger's own."""
        networks = self._study.stages[this.stage].networks
        charges = [self._charge(network, this) for network in networks if self._patients[network]]
        if charges:
            self._ledger.spend(
                charges,
                price=lambda all_charges: epsilon_of(all_charges, self._privacy.delta),
                limit=self._privacy.epsilon,
                delta=self._privacy.delta,
                study=self._study.fingerprint,
                stage=this.stage,
                round=this.number,
            )

    def learn(
        self,
        network: LobeNetwork,
        task: Task,
        this: LocalRound,
        read: ReadBatches,
        *,
        dtype: torch.dtype,
        progress: Progress | None,
    ) -> None:
        """As it was paid for. No loss is told."""
        stage, patients, charge = (
            self._study.stages[this.stage],
            self._patients[task],
            self._charge(task, this),
        )
        seed_parts = (self._study.seed, task, this.stage, this.number)
        steps = draw_steps(
            patients, stage, rate=charge.sample_rate, steps=charge.steps, seed_parts=seed_parts
        )
        done = iter(range(1, charge.steps + 1))
        train_privately(
            network,
            task,
            _one_scan_a_batch(steps, read),
            stage,
            noise=Noise(
                clip_norm=self._privacy.clip_norm,
                multiplier=charge.noise_multiplier,
                expected_patients=charge.sample_rate * len(patients),
                generator=secret_generator(device_of(network)),
            ),
            rates=stage.learning_rates(this.number, charge.steps),
            dtype=dtype,
            after_step=lambda: None if progress is None else progress(next(done), charge.steps),
        )

    def end(self, this: LocalRound) -> None:
        """Nothing is kept of a round: one that was cut off is done anew, and paid for anew."""

    def _charge(self, network: Task, this: LocalRound) -> Charge:
        return round_charge(len(self._patients[network]), self._study.stages[this.stage], self._multiplier)


def _one_scan_a_batch(steps: list[list[Bag]], read: ReadBatches) -> Iterator[list[Batch]]:
    """For each step the batches of its scans, read ahead across steps."""
    batches = read([[bag] for step in steps for bag in step])
    for step in steps:
        yield list(islice(batches, len(step)))
