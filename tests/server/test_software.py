"""The versions that run are those that are installed."""

import flwr

from server.software import versions
from shared_model.protocol import PROTOCOL


def test_installed_versions_and_the_protocol_are_told() -> None:
    found = versions()
    assert found["flwr"] == flwr.__version__ and found["protocol"] == str(PROTOCOL)
    assert {"python", "pneumofed", "torch", "numpy"} <= found.keys()
