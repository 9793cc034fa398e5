"""Times of this machine's zone."""

import time

import pytest

from deploy.pages.reading.clock import local_time


def test_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    time.tzset()
    try:
        assert local_time(1_790_000_000) == "2026-09-21 17:43"
    finally:
        monkeypatch.undo()
        time.tzset()
