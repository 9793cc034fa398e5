"""benchmarks/scale.py: many files are checked and many studies prepared, all judged as they should be."""

from pathlib import Path

from benchmarks.scale import check_many, prepare_many


def test_a_few_files_and_studies(tmp_path: Path) -> None:
    checked = check_many(tmp_path / "archive", 60)
    prepared = prepare_many(tmp_path, 2, 1)
    assert len(checked.document["accepted"]) == 2 and len(checked.document["refused"]) == 32
    assert prepared.document["added"] == 2
    for cost in (checked, prepared):
        assert cost.cpu_s > 0 and cost.wall_s > 0 and cost.peak_mb > 20
