"""benchmarks/diagnose.py on a small scan: both ways agree, and figures are of the stages."""

from pathlib import Path

import pytest

from benchmarks.diagnose import figures_of, scans_in
from benchmarks.support.diagnosis_timing import random_model, time_diagnosis
from tests.support.diagnosed_scans import write_series


def test_both_ways_agree_and_stages_add_up(tmp_path: Path) -> None:
    random_model(tmp_path / "model", 0.125)
    scan = write_series(tmp_path / "scan")
    assert scans_in(tmp_path, scan, []) == {"real": scan}
    timing = time_diagnosis(scan, tmp_path / "model", tmp_path / "out", 1, 4)
    assert timing.slices == 14 and 4 < timing.lobes <= 28 and timing.difference < 1e-3
    assert sum(timing.stages.values()) == pytest.approx(timing.total_s)
    figures = figures_of({"real": timing})
    assert figures["ratio"] == pytest.approx(timing.eager_s / timing.total_s)
    assert figures["peak_mb"] is None and figures["peak_mb_real"] == timing.peak_mb > 100
    assert set(figures) == {
        "ratio",
        "ratio_networks",
        "difference",
        "peak_mb",
        "seconds_real",
        "peak_mb_real",
    }
