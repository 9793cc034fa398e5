"""Times at the page."""

import time

from deploy.pages.hospital.times import clock_of


def test_seconds_and_iso_text_give_the_same_local_time() -> None:
    words = time.strftime("%Y-%m-%d %H:%M", time.localtime(1_700_000_000))
    assert clock_of(1_700_000_000.0) == clock_of("2023-11-14T22:13:20+00:00") == words
