"""The accounting against Opacus's accountant, step by step over the whole history."""

import pytest
from opacus.accountants import RDPAccountant

from client.privacy.accounting import charge_for_round, choose_noise_multiplier, total_epsilon
from client.privacy.ledger import Charge
from shared_model.errors import PneumofedError
from shared_model.study import PrivacyConfig
from shared_model.study_stage import StageConfig
from tests.support.small_study import STUDY

ROUNDS = [Charge(1.1, 0.2, 5), Charge(1.1, 0.5, 2), Charge(2.0, 0.2, 7), Charge(1.1, 0.2, 5)]


def test_epsilon_is_opacus_own_after_every_single_step():
    accountant = RDPAccountant()
    for charge in ROUNDS:
        for _ in range(charge.steps):
            accountant.step(noise_multiplier=charge.noise_multiplier, sample_rate=charge.sample_rate)
    assert total_epsilon(ROUNDS, 1e-5) == pytest.approx(accountant.get_epsilon(1e-5), rel=1e-12)
    assert total_epsilon([], 1e-5) == 0


def test_a_single_release_is_mironovs_closed_form():
    """Without sampling RDP is alpha / (2 sigma^2); its conversion is the least over Opacus's orders."""
    import math

    sigma, delta = 2.0, 1e-5
    orders = RDPAccountant.DEFAULT_ALPHAS
    by_hand = min(
        a / (2 * sigma**2) - (math.log(delta) + math.log(a)) / (a - 1) + math.log((a - 1) / a) for a in orders
    )
    assert total_epsilon([Charge(sigma, 1.0, 1)], delta) == pytest.approx(by_hand, rel=1e-9)


def test_a_round_is_as_many_steps_as_a_pass():
    stage = StageConfig(name="s", networks=("covid",), rounds=1, scans_per_batch=6, epochs=2)
    assert charge_for_round(60, stage, 1.0) == Charge(1.0, 0.1, 20)
    assert charge_for_round(3, stage, 1.0) == Charge(1.0, 1.0, 2)  # fewer patients than a batch
    assert charge_for_round(60, stage.model_copy(update={"epochs": 0.01}), 1.0).steps == 1


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_the_least_noise_lasts_for_the_whole_study(epsilon):
    privacy = PrivacyConfig(epsilon=epsilon, delta=1e-3)
    patients = {"diseased": 25, "covid": 10}
    noise = choose_noise_multiplier(STUDY, privacy, patients)

    def whole(multiplier):
        return total_epsilon(
            [
                charge_for_round(patients[network], stage, multiplier)
                for stage in STUDY.stages
                for network in stage.networks
                for _ in range(stage.rounds)
            ],
            privacy.delta,
        )

    assert whole(noise) <= epsilon < whole(0.98 * noise)


def test_a_named_noise_multiplier_is_taken():
    assert choose_noise_multiplier(STUDY, PrivacyConfig(epsilon=1, noise_multiplier=7.0), {"covid": 9}) == 7.0


def test_a_delta_that_would_allow_to_tell_all_of_one_patient_is_refused():
    with pytest.raises(PneumofedError) as error:
        choose_noise_multiplier(STUDY, PrivacyConfig(epsilon=1, delta=0.1), {"covid": 10})
    assert error.value.code == "privacy-delta"
