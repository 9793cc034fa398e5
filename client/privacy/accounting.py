"""What a round of private training costs, by Opacus's RDP accountant over the whole history (Mironov 2017).

The unit is the patient. Which patients there are is told (`SiteDescription`), what their scans show is not:
neighbouring hospitals differ in one patient whose gradients are replaced by zero. See docs/decisions/0090.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from opacus.accountants import RDPAccountant

from client.privacy.ledger import Charge
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.study import PrivacyConfig, StudyConfig
from shared_model.study_stage import StageConfig

TOLERANCE = 0.005
"""How close to its budget the least noise is sought."""

MOST_NOISE = 1e4


def epsilon_of(charges: Sequence[Charge], delta: float) -> float:
    """The epsilon at `delta` of all charges together."""
    steps: Counter[tuple[float, float]] = Counter()
    for charge in charges:
        steps[charge.noise_multiplier, charge.sample_rate] += charge.steps
    accountant = RDPAccountant()
    accountant.history = [(noise, rate, count) for (noise, rate), count in sorted(steps.items()) if count]
    return accountant.get_epsilon(delta)


def round_charge(patients: int, stage: StageConfig, noise_multiplier: float) -> Charge:
    """What one network's training on `patients` costs in one round of `stage`."""
    rate = min(1.0, stage.scans_per_batch / patients)
    return Charge(noise_multiplier, rate, max(1, round(stage.epochs / rate)))


def noise_multiplier_of(study: StudyConfig, privacy: PrivacyConfig, patients: Mapping[Task, int]) -> float:
    """The study's noise multiplier; where it names none, the least with which all rounds stay in epsilon.

    patients: those that each network learns from here. Raises PneumofedError `privacy-delta` where delta
    would allow to tell all of one patient, `privacy-budget-spent` where no noise is enough.
    """
    if max(patients.values()) * privacy.delta >= 1:
        raise PneumofedError(
            "privacy-delta",
            f"delta {privacy.delta:g} promises nothing to so many patients; choose a smaller one",
        )
    if privacy.noise_multiplier is not None:
        return privacy.noise_multiplier

    def cost(noise: float) -> float:
        """The epsilon of all rounds of the study with this noise."""
        rounds = [
            (stage.rounds, round_charge(patients[network], stage, noise))
            for stage in study.stages
            for network in stage.networks
            if patients[network]
        ]
        whole = [Charge(c.noise_multiplier, c.sample_rate, c.steps * count) for count, c in rounds]
        return epsilon_of(whole, privacy.delta)

    return _least(cost, privacy.epsilon)


def _least(cost: Callable[[float], float], limit: float) -> float:
    """The least noise that costs at most `limit`, within TOLERANCE; cost falls as noise rises."""
    low, high = 0.0, 1.0
    while cost(high) > limit:
        low, high = high, 2 * high
        if high > MOST_NOISE:
            raise PneumofedError(
                "privacy-budget-spent", "no noise keeps the study within its epsilon; allow more"
            )
    while high - low > TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) <= limit else (middle, high)
    return high
