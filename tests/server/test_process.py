"""Which run the ServerApp's process runs, and with which settings."""

import hashlib
from dataclasses import replace

import pytest
from flwr.app.user_config import UserConfig
from flwr.supercore.fab import Fab
from flwr.supercore.run import Run

from server.process import run_settings
from shared_model.bundle import BUNDLE, BUNDLE_SHA256, SETTINGS
from shared_model.errors import PneumofedError


def run_of(fab_hash: str) -> Run:
    settings: UserConfig = {SETTINGS: '{"study": "demo", "quorum": 2, "deadline-s": 1.5}'}
    return replace(Run.create_empty(1), fab_hash=fab_hash, override_config=settings)


def test_the_installed_app_gets_the_coordinators_settings() -> None:
    found = run_settings(run_of(BUNDLE_SHA256), Fab(BUNDLE_SHA256, BUNDLE, {}))
    assert found == {"study": "demo", "quorum": 2, "deadline-s": 1.5}


def test_a_run_with_another_bundle_is_refused() -> None:
    other = b"PK another bundle"
    sha256 = hashlib.sha256(other).hexdigest()
    for run in (run_of(sha256), run_of(BUNDLE_SHA256)):
        with pytest.raises(PneumofedError) as caught:
            run_settings(run, Fab(sha256, other, {}))
        assert caught.value.code == "bundle-refused"
