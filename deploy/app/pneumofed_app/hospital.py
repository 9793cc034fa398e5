"""At a hospital: the ClientApp that is installed there."""

from client.node.deployed import app

__all__ = ["app"]
