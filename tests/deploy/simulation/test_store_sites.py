"""A hospital's Site from its name: its own store, role and state."""

import pickle

import pytest

from deploy.simulation.store_sites import StoreSites
from shared_model.errors import PneumofedError
from tests.support.simulated_stores import SMALL, simulated_hospitals


@pytest.fixture
def sites(tmp_path) -> StoreSites:
    return StoreSites(simulated_hospitals(tmp_path / "stores"), SMALL, "cpu", 3, tmp_path / "state")


def test_each_name_has_its_own_store_role_and_floor(sites):
    assert sites.names == ["north", "south", "far"] and sites.training == 2
    for name, role in (("north", "training"), ("far", "held-out")):
        site = sites(name)
        assert site.role == role and {scan.key.split("-")[0] for scan in site.scans} == {name}
        described = site.describe()
        assert described.count_floor == 3 and described.counts["all"]["covid"] == 3
        assert described.counts["train"]["covid"] in (None, 0)


def test_its_state_is_its_own_folder(sites):
    private = SMALL.model_copy(update={"operating_point": "half"})
    site = sites("north")
    assert site.scratch == sites.state / "north" and site.scratch.is_dir()
    assert private.fingerprint != SMALL.fingerprint and site.study == SMALL


def test_it_goes_to_a_worker_and_is_the_same_there(sites):
    there = pickle.loads(pickle.dumps(sites))
    assert there == sites and hash(there) == hash(sites)


def test_a_store_that_is_gone_is_the_stores_error(sites):
    import shutil

    shutil.rmtree(sites.hospitals[0].store)
    with pytest.raises(PneumofedError) as caught:
        sites("north")
    assert caught.value.code == "store-missing"
