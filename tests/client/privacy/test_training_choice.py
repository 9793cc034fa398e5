"""Which studies are trained with noise; that none is trained without noise by mistake."""

import subprocess
import sys
from functools import partial

import pytest

from client.learning.local_training import PlainTraining
from client.learning.site import Site
from client.privacy.private_training import PrivateTraining
from client.privacy.training_choice import hospital_training
from shared_model.errors import PneumofedError
from tests.client.learning.test_site import STUDY, in_memory
from tests.client.privacy.test_private_training import private, store


def test_the_study_decides(tmp_path):
    nobody = {"diseased": [], "covid": []}
    assert type(hospital_training(STUDY, nobody, tmp_path)) is PlainTraining
    assert type(hospital_training(private(), nobody, tmp_path)) is PrivateTraining


@pytest.mark.parametrize("with_state", [True, False])
def test_a_private_study_without_a_ledger_is_refused_before_any_round(tmp_path, with_state):
    choices = {"training": partial(PlainTraining, state=tmp_path)} if with_state else {}
    with pytest.raises(PneumofedError) as error:
        Site(store(), private(), role="training", **choices)
    assert error.value.code == "privacy-no-ledger"


def test_a_held_out_hospital_needs_none():
    def makes(*_):
        pytest.fail("a held-out hospital trains nothing")

    in_memory([], study=private(), role="held-out")
    in_memory([], study=private(), role="held-out", training=makes)


def test_opacus_is_loaded_for_private_studies_alone(tmp_path):
    script = f"""
import sys, pathlib
from client.privacy.training_choice import hospital_training
from tests.client.learning.test_site import STUDY
from tests.client.privacy.test_private_training import PRIVACY
state, scans = pathlib.Path({str(tmp_path)!r}), {{"diseased": [], "covid": []}}
for name in list(sys.modules):  # that module's own import of the accounting
    if name.startswith(("opacus", "client.privacy.")):
        del sys.modules[name]
from client.privacy.training_choice import hospital_training
hospital_training(STUDY, scans, state)
print("opacus" in sys.modules)
hospital_training(STUDY.model_copy(update={{"privacy": PRIVACY}}), scans, state)
print("opacus" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["False", "True"], run.stderr
