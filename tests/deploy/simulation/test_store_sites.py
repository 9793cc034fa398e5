"""A hospital's Site from its name: its own store, role and state."""

import pickle
from dataclasses import replace

import pytest

from deploy.simulation.store_sites import StoreSites
from shared_model.errors import PneumofedError
from tests.support.initial_weights import initial_weights
from tests.support.simulated_stores import SMALL, simulated_hospitals
from tests.support.small_study import private_study


@pytest.fixture
def sites(tmp_path) -> StoreSites:
    return StoreSites(simulated_hospitals(tmp_path / "stores"), SMALL, "cpu", 3, tmp_path / "state")


def test_each_name_has_its_own_store_role_and_floor(sites):
    assert sites.names == ["north", "south", "far"] and sites.training == 2
    for name, role in (("north", "training"), ("far", "held-out")):
        site = sites(name)
        assert site.role == role and {scan.key.split("-")[0] for scan in site.scans} == {name}
        described = site.describe()
        assert described.count_floor == 3
        told = {split: counts["covid"] for split, counts in described.counts.items()}
        assert told == ({"all": 3} if role == "held-out" else dict.fromkeys(("train", "validation", "test")))


def test_a_private_study_is_charged_in_the_hospitals_own_state(sites):
    private = replace(sites, study=private_study(), count_floor=1)
    private("north").train(initial_weights(private.study), stage=0, round=1)
    written = [path.read_text() for path in (sites.state / "north").iterdir() if path.is_file()]
    assert any(private.study.fingerprint in text for text in written)
    assert not (sites.state / "south").exists()


def test_it_goes_to_a_worker_and_is_the_same_there(sites):
    there = pickle.loads(pickle.dumps(sites))
    assert there == sites and hash(there) == hash(sites)


def test_a_store_that_is_gone_is_the_stores_error(sites):
    import shutil

    shutil.rmtree(sites.hospitals[0].store)
    with pytest.raises(PneumofedError) as caught:
        sites("north")
    assert caught.value.code == "store-missing"
