"""The privacy cost of rounds, by Opacus's RDP accountant over the whole history (Mironov 2017).

The unit of privacy is the patient. Neighbouring data sets differ in one patient, whose gradients are replaced
by zero: what a patient's scans show is protected, the number of patients is not (`SiteDescription` tells it).
See docs/decisions/0090.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from opacus.accountants import RDPAccountant

from client.privacy.ledger import Charge
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.study import PrivacyConfig, StudyConfig
from shared_model.study_stage import StageConfig

TOLERANCE = 0.005
"""Relative precision of the search for the least noise."""

MAX_NOISE = 1e4


def total_epsilon(charges: Sequence[Charge], delta: float) -> float:
    """The epsilon at `delta` of all charges composed."""
    steps: Counter[tuple[float, float]] = Counter()
    for charge in charges:
        steps[charge.noise_multiplier, charge.sample_rate] += charge.steps
    accountant = RDPAccountant()
    accountant.history = [(noise, rate, count) for (noise, rate), count in sorted(steps.items()) if count]
    with warnings.catch_warnings():
        # For hardly any charge, as after a rehearsal: the bound holds, and a tighter one is not needed.
        warnings.filterwarnings("ignore", message="Optimal order is the largest alpha")
        return accountant.get_epsilon(delta)


def charge_for_round(patients: int, stage: StageConfig, noise_multiplier: float) -> Charge:
    """The charge of one round of `stage` for one network, trained on `patients` patients."""
    rate = min(1.0, stage.scans_per_batch / patients)
    return Charge(noise_multiplier, rate, max(1, round(stage.epochs / rate)))


def choose_noise_multiplier(
    study: StudyConfig, privacy: PrivacyConfig, patients: Mapping[Task, int]
) -> float:
    """The study's noise multiplier; if it has none, the least with which all rounds stay within epsilon.

    patients: how many each network is trained on here. Raises PneumofedError `privacy-delta` if delta is so
    large that it permits disclosing one patient completely, `privacy-budget-spent` if no noise suffices.
    """
    if max(patients.values()) * privacy.delta >= 1:
        raise PneumofedError(
            "privacy-delta",
            f"delta {privacy.delta:g} must be below 1 / patients; choose a smaller one",
        )
    if privacy.noise_multiplier is not None:
        return privacy.noise_multiplier

    def cost(noise: float) -> float:
        """The epsilon of all rounds of the study with this noise."""
        rounds = [
            (stage.rounds, charge_for_round(patients[task], stage, noise))
            for stage in study.stages
            for task in stage.networks
            if patients[task]
        ]
        whole = [Charge(c.noise_multiplier, c.sample_rate, c.steps * count) for count, c in rounds]
        return total_epsilon(whole, privacy.delta)

    return _least(cost, privacy.epsilon)


def _least(cost: Callable[[float], float], limit: float) -> float:
    """The least noise that costs at most `limit`, by bisection to TOLERANCE: more noise costs less."""
    low, high = 0.0, 1.0
    while cost(high) > limit:
        low, high = high, 2 * high
        if high > MAX_NOISE:
            raise PneumofedError(
                "privacy-budget-spent", "no noise keeps the study within its epsilon; allow more"
            )
    while high - low > TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) <= limit else (middle, high)
    return high
