"""benchmarks/support/preprocessing_steps.py: the steps are those of the literal reference."""

from pathlib import Path

from benchmarks.support.preprocessing_steps import floors, our_steps
from benchmarks.support.timing import one_core


def test_both_ways_have_the_same_steps(
    folder: Path, run: tuple[list[dict], dict[str, float]], tmp_path: Path
) -> None:
    with one_core():
        steps = our_steps(folder, tmp_path)
    assert list(steps) == list(run[1]) == list(floors(folder, tmp_path))
    assert min(steps.values()) > 0
