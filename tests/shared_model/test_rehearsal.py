"""The rehearsal of a study: what it shares with the study, what is tiny, and what it leaves of epsilon."""

import pytest

from client.privacy.accounting import charge_for_round, choose_noise_multiplier, total_epsilon
from client.privacy.ledger import Charge
from shared_model.rehearsal import is_rehearsal, rehearsal_of
from shared_model.study import PrivacyConfig, StudyConfig, load_study, study_names
from shared_model.study_stage import StageConfig


@pytest.mark.parametrize("name", study_names())
def test_only_name_rounds_and_passes_differ(name: str) -> None:
    study = load_study(name)
    rehearsal = rehearsal_of(study)
    assert rehearsal.name == f"rehearsal of {name}" and rehearsal.fingerprint != study.fingerprint
    assert is_rehearsal(rehearsal.name) and not is_rehearsal(study.name)
    assert [stage.rounds for stage in rehearsal.stages] == [1] * len(study.stages)
    changed = {"rounds", "epochs", "average_rounds", "optimizer_state"}
    for mine, theirs in zip(rehearsal.stages, study.stages, strict=True):
        assert mine.model_dump(exclude=changed) == theirs.model_dump(exclude=changed)
        assert mine.batches(100) == 2
    assert rehearsal.model_dump(exclude={"name", "stages"}) == study.model_dump(exclude={"name", "stages"})


def test_a_long_name_stays_a_name() -> None:
    study = load_study("tiny").model_copy(update={"name": "a" * 80})
    assert len(rehearsal_of(study).name) == 80


def private_study(noise: float | None) -> StudyConfig:
    return load_study("tiny").model_copy(
        update={
            "stages": (StageConfig(name="s", networks=("diseased", "covid"), rounds=20),),
            "privacy": PrivacyConfig(epsilon=8, noise_multiplier=noise),
            "operating_point": "half",
        }
    )


@pytest.mark.parametrize("patients", [6, 30, 400])
def test_after_a_private_rehearsal_every_round_of_the_study_fits_its_budget(patients: int) -> None:
    study, told = private_study(None), {"diseased": patients, "covid": patients}
    assert study.privacy is not None
    rehearsal = rehearsal_of(study)
    assert rehearsal.privacy is not None and rehearsal.privacy.epsilon == 8

    def spent(one: StudyConfig) -> list[Charge]:
        assert one.privacy is not None
        noise = choose_noise_multiplier(one, one.privacy, told)
        (stage,) = one.stages
        return [charge_for_round(patients, stage, noise)] * (2 * stage.rounds)

    assert total_epsilon([*spent(rehearsal), *spent(study)], 1e-5) <= 8


def test_the_noise_itself_is_as_large_as_in_a_study() -> None:
    privacy = rehearsal_of(private_study(1.5)).privacy
    assert privacy is not None and privacy.noise_multiplier is not None
    assert privacy.noise_multiplier * privacy.clip_norm == pytest.approx(1.0)
