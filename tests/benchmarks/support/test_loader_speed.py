"""benchmarks/support/loader_speed.py: what is timed reads whole scans' lobes."""

from pathlib import Path

from benchmarks.support.loader_speed import loader_rate, loader_store
from preprocessing.pipeline import prepare_series
from preprocessing.reading.series import find_series


def test_the_loader_reads_from_every_scan(folder: Path, tmp_path: Path) -> None:
    store = loader_store([folder], tmp_path / "store")
    (series,) = find_series(folder).accepted
    assert len(store.scans()) == 8
    assert len(store.scans()[0].side) == len(prepare_series(series, store.settings).lobes)
    assert loader_rate(store) > 0
