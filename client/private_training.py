"""One round of a private study at a hospital: paid for first, then trained, patient by patient."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import torch

from client.batches import Bag, Batch
from client.privacy import Noise, by_patient, draw_steps, secret_generator, train_privately
from client.privacy_budget import epsilon_of, noise_multiplier_of, round_charge
from client.privacy_ledger import Charge, PrivacyLedger
from preprocessing.store import Study
from shared_model.config import Network, PrivacyConfig, StudyConfig
from shared_model.networks import LobeNetwork

ReadBatches = Callable[[list[list[Bag]]], Iterator[Batch]]


class PrivateTraining:
    """What a Site does in a private study; learns: the training scans of each network."""

    def __init__(
        self,
        study: StudyConfig,
        privacy: PrivacyConfig,
        ledger: PrivacyLedger,
        learns: Mapping[Network, Sequence[Study]],
    ) -> None:
        self._study, self._privacy, self._ledger = study, privacy, ledger
        self._patients = {network: by_patient(scans) for network, scans in learns.items()}
        counts = {network: len(patients) for network, patients in self._patients.items()}
        self._multiplier = noise_multiplier_of(study, privacy, counts)

    def pay(self, stage: int, round: int) -> dict[Network, Charge]:
        """What the round costs, by network with patients, written down in the ledger.

        Raises PneumofedError `privacy-budget-spent` and the ledger's own.
        """
        config = self._study.stages[stage]
        charges = {
            network: round_charge(len(self._patients[network]), config, self._multiplier)
            for network in config.networks
            if self._patients[network]
        }
        if charges:
            self._ledger.spend(
                list(charges.values()),
                price=lambda all_charges: epsilon_of(all_charges, self._privacy.delta),
                limit=self._privacy.epsilon,
                delta=self._privacy.delta,
                study=self._study.fingerprint,
                stage=stage,
                round=round,
            )
        return charges

    def train(
        self,
        network: LobeNetwork,
        task: Network,
        charge: Charge,
        read: ReadBatches,
        *,
        stage: int,
        round: int,
        device: torch.device,
        dtype: torch.dtype,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """The round of one network, as it was paid for."""
        config, patients = self._study.stages[stage], self._patients[task]
        seed_parts = (self._study.seed, task, stage, round)
        steps = draw_steps(
            patients, config, rate=charge.sample_rate, steps=charge.steps, seed_parts=seed_parts
        )
        done = iter(range(1, charge.steps + 1))
        train_privately(
            network,
            task,
            _one_scan_a_batch(steps, read),
            config,
            noise=Noise(
                clip_norm=self._privacy.clip_norm,
                multiplier=charge.noise_multiplier,
                expected_patients=charge.sample_rate * len(patients),
                generator=secret_generator(device),
            ),
            learning_rate=config.learning_rate_at(round),
            dtype=dtype,
            after_step=lambda: None if progress is None else progress(next(done), charge.steps),
        )


def _one_scan_a_batch(steps: list[list[Bag]], read: ReadBatches) -> Iterator[list[Batch]]:
    """For each step the batches of its scans, read ahead across steps."""
    batches = read([[bag] for step in steps for bag in step])
    for step in steps:
        yield list(islice(batches, len(step)))
