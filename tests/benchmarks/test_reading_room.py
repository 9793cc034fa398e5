"""benchmarks/reading_room.py on a small scan: each figure is of what it says."""

from pathlib import Path

import pytest

from benchmarks.support.viewer_timing import (
    FilledRoom,
    ViewerTiming,
    figures_of,
    fill_room,
    served,
    time_viewer,
)
from tests.support.chromium import NEEDS_CHROMIUM


def test_figures_are_the_worst_picture_and_quantiles_of_changes() -> None:
    room = FilledRoom(Path("pacs.toml"), ("a",), 50, viewing_s=2.0, viewing_mb=10.0)
    figures = figures_of(room, ViewerTiming([300.0, 700.0], [float(ms) for ms in range(101)], 120.5, 1))
    assert figures == {
        "first_picture_ms": 700.0,
        "slice_change_ms": 50.0,
        "slice_change_p95_ms": 95.0,
        "server_peak_mb": 120.5,
        "parallel_errors": 1.0,
        "viewing_s": 4.0,
        "viewing_mb": 20.0,
    }


@NEEDS_CHROMIUM
@pytest.mark.ci
def test_a_small_room(tmp_path: Path) -> None:
    room = fill_room(tmp_path, 12, 2)
    assert room.slices == pytest.approx(12, abs=3) and room.viewing_mb > 0
    with served(room) as server:
        timing = time_viewer(server, 18, 8)
    assert timing.errors == 0 and timing.peak_mb > 40
    assert len(timing.first_ms) == 2 and len(timing.change_ms) == 18
    assert all(0 < one < 60_000 for one in timing.first_ms + timing.change_ms)
