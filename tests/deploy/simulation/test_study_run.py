"""A study on stores in one place: the weights of a loop by hand, and a model and report of them."""

import json

import numpy as np
import pytest

from deploy.progress import Steps
from deploy.simulation.store_sites import StoreSites
from deploy.simulation.study_run import train_together, write_results
from shared_model.errors import PneumofedError
from shared_model.saved_model import load_model
from shared_model.weights import fingerprint
from tests.support.initial_weights import initial_weights
from tests.support.simulated_stores import SMALL, averaged_by_hand, simulated_hospitals

ONE_ROUND = SMALL.model_copy(
    update={"stages": (SMALL.stages[0].model_copy(update={"rounds": 1, "validate_every": 0}),)}
)


@pytest.mark.parametrize("engine", ["local", "workers"])
def test_a_round_is_federated_averaging_of_what_each_store_gives_alone(tmp_path, engine):
    hospitals = simulated_hospitals(tmp_path / "stores")
    sites = StoreSites(hospitals, ONE_ROUND, "cpu", 1, tmp_path / "state")
    steps = Steps(quiet=True)
    result = train_together(
        tmp_path, sites, steps, engine=engine, trained_on="Random.", command="the command"
    )
    expected = averaged_by_hand(hospitals, ONE_ROUND, initial_weights(ONE_ROUND), stage=0, round=1)
    assert result.weights.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(result.weights[name], array, rtol=1e-6, atol=1e-8, err_msg=name)
    assert {h.name: h.role for h in result.hospitals} == {
        "north": "training", "south": "training", "far": "held-out"
    }  # fmt: skip

    document = write_results(tmp_path, result, steps)
    assert json.loads((tmp_path / "report.json").read_text()) == document
    weights, card = load_model(tmp_path / "model")
    assert fingerprint(weights) == document["weights_sha256"] == fingerprint(result.weights)
    assert card.trained_on == "Random." and document["command"] == "the command"
    assert "training together" in document["seconds"]


def test_a_hospital_that_cannot_train_ends_the_study_with_its_code(tmp_path):
    """None is away in a simulation: a mean without one of them would be another study's."""
    hospitals = simulated_hospitals(tmp_path / "stores")
    for file in (hospitals[0].store / "studies").glob("*/lobes.blosc"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        file.write_bytes(content)
    sites = StoreSites(hospitals, ONE_ROUND, "cpu", 1, tmp_path / "state")
    with pytest.raises(PneumofedError) as caught:
        train_together(tmp_path, sites, Steps(quiet=True), engine="local", trained_on="", command="")
    assert caught.value.code == "quorum-missed" and "north: store-damaged" in str(caught.value)
