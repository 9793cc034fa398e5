"""The versions that run at the coordinator."""

import platform
from importlib.metadata import version

from shared_model.protocol import PROTOCOL

PACKAGES = ("pneumofed", "torch", "flwr", "numpy")


def versions() -> dict[str, str]:
    """By name: Python, the packages that results depend on, and the protocol between the parties."""
    packages = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version()} | packages | {"protocol": str(PROTOCOL)}
