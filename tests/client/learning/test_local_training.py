"""Plain training of a round: what it leaves in the hospital's state folder, and what it refuses."""

import json

import numpy as np
import pytest

from client.learning.local_training import PlainTraining
from shared_model.errors import PneumofedError
from shared_model.study import PrivacyConfig
from tests.support.initial_weights import initial_weights
from tests.support.small_site import WEIGHTS
from tests.support.stepwise_site import SCANS, STAGE, STEPWISE, site


def test_a_private_study_is_refused():
    study = STEPWISE.model_copy(update={"privacy": PrivacyConfig(epsilon=1.0)})
    with pytest.raises(PneumofedError) as error:
        PlainTraining(study, {"diseased": [], "covid": []})
    assert error.value.code == "privacy-no-ledger"


def test_a_loss_that_diverges_leaves_the_scans_keys_at_the_hospital_alone(tmp_path):
    name = next(n for n in WEIGHTS if n.startswith("diseased/"))
    broken = {**WEIGHTS, name: np.full_like(WEIGHTS[name], np.nan)}
    with pytest.raises(PneumofedError) as error:
        site(tmp_path).train(broken, stage=0, round=1)
    assert error.value.code == "diverged"
    assert not any(record.key in str(error.value) for record, _ in SCANS)
    written = json.loads((tmp_path / "diverged.json").read_text())
    assert (written["network"], written["step"], written["loss"]) == ("diseased", 1, "nan")
    assert len(written["scans"]) == 1 and written["scans"][0] in {record.key for record, _ in SCANS}
    assert (tmp_path / "diverged.json").stat().st_mode & 0o777 == 0o600


def test_an_absurdly_large_loss_has_diverged(tmp_path):
    study = STEPWISE.model_copy(
        update={"stages": (STAGE.model_copy(update={"learning_rate": 1e6, "rounds": 1}),)}
    )
    with pytest.raises(PneumofedError) as error:
        site(tmp_path, study).train(initial_weights(study), stage=0, round=1)
    assert error.value.code == "diverged"
    assert json.loads((tmp_path / "diverged.json").read_text())["step"] > 1
