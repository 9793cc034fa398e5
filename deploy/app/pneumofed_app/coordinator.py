"""At the coordinator: the ServerApp that is installed there."""

from server.app import app

__all__ = ["app"]
