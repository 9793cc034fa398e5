"""Which studies are trained with noise; that none is trained without noise by mistake."""

import subprocess
import sys
from functools import partial

import pytest

from client.learning.local_training import PlainTraining
from client.privacy.hospital_training import hospital_training
from client.privacy.private_training import PrivateTraining
from shared_model.errors import PneumofedError
from tests.support.small_site import site_in_memory
from tests.support.small_study import STUDY, private_study


def test_the_study_decides(tmp_path):
    nobody = {"diseased": [], "covid": []}
    assert type(hospital_training(STUDY, nobody, tmp_path)) is PlainTraining
    assert type(hospital_training(private_study(), nobody, tmp_path)) is PrivateTraining


@pytest.mark.parametrize("with_state", [True, False])
def test_a_private_study_without_a_ledger_is_refused_before_any_round(tmp_path, with_state):
    choices = {"training": partial(PlainTraining, state=tmp_path)} if with_state else {}
    with pytest.raises(PneumofedError) as error:
        site_in_memory([], study=private_study(), **choices)
    assert error.value.code == "privacy-no-ledger"


def test_a_held_out_hospital_needs_none():
    def makes(*_):
        pytest.fail("a held-out hospital trains nothing")

    site_in_memory([], study=private_study(), role="held-out")
    site_in_memory([], study=private_study(), role="held-out", training=makes)


def test_opacus_is_loaded_for_private_studies_alone(tmp_path):
    script = f"""
import sys, pathlib
from client.privacy.hospital_training import hospital_training
from tests.support.small_study import STUDY, private_study
state, scans = pathlib.Path({str(tmp_path)!r}), {{"diseased": [], "covid": []}}
hospital_training(STUDY, scans, state)
print("opacus" in sys.modules)
hospital_training(private_study(), scans, state)
print("opacus" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.stdout.split() == ["False", "True"], run.stderr
