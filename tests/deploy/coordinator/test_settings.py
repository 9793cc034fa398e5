"""federation.toml, with every problem named."""

import pytest

from deploy.coordinator.settings import load_federation
from shared_model.errors import PneumofedError
from tests.support.coordinator_command import FEDERATION


def test_every_problem_of_the_file_is_named_at_once(tmp_path):
    path = tmp_path / "federation.toml"
    path.write_text('name = "L"\nhosts = ["https://x"]\nport = 0\nprot = 1\n[[hospitals]]\nname = "a b"\n')
    with pytest.raises(PneumofedError) as caught:
        load_federation(path)
    for name in ("name", "hosts", "port", "prot", "hospitals.0.name"):
        assert f"{name}" in str(caught.value)
    for change, word in (('name = "north"', "twice"), ("quorum = 3", "quorum")):
        old = 'name = "south"' if word == "twice" else "quorum = 2"
        path.write_text(FEDERATION.replace(old, change))
        with pytest.raises(PneumofedError, match=word):
            load_federation(path)
