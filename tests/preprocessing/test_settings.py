"""The fingerprint follows the settings."""

import pytest

from preprocessing.settings import PreprocessingSettings

SETTINGS = PreprocessingSettings()


def test_the_fingerprint_follows_the_settings() -> None:
    assert SETTINGS.fingerprint == PreprocessingSettings(lobes="consistent").fingerprint
    assert SETTINGS.fingerprint != PreprocessingSettings(lobes="paper").fingerprint
    with pytest.raises(ValueError, match="extra"):
        PreprocessingSettings(lobe="paper")  # type: ignore[call-arg]
