"""The fingerprint follows the settings."""

import hashlib

import pytest
from pydantic import ValidationError

from preprocessing.settings import VERSION, PreprocessingSettings

SETTINGS = PreprocessingSettings()


def test_the_fingerprint_follows_the_settings() -> None:
    assert SETTINGS.fingerprint == PreprocessingSettings(lobes="consistent").fingerprint
    assert SETTINGS.fingerprint != PreprocessingSettings(lobes="paper").fingerprint
    with pytest.raises(ValueError, match="extra"):
        PreprocessingSettings(lobe="paper")  # type: ignore[call-arg]


def test_the_fingerprint_is_a_hash_of_version_and_settings() -> None:
    text = f'{{"breath": "even", "lobes": "consistent", "version": {VERSION}}}'
    assert SETTINGS.fingerprint == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", ["lobes", "breath"])
def test_every_setting_changes_the_fingerprint(name: str) -> None:
    assert PreprocessingSettings(**{name: "paper"}).fingerprint != SETTINGS.fingerprint


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        SETTINGS.lobes = "paper"  # type: ignore[misc]
