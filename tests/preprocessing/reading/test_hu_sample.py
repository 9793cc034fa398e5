"""A few slices tell what the whole series would."""

from pathlib import Path

import numpy as np

from preprocessing.reading.hu_sample import sampled_scale, scale_problem
from preprocessing.reading.series import find_series
from tests.support.chests import chest, write_series

HU, _ = chest(12, 64)


def test_the_scale_of_a_series(tmp_path: Path) -> None:
    window = np.clip(HU, -160, 240)
    for name, hu in {"a": HU, "b": HU - 1024, "c": window}.items():
        write_series(tmp_path / name, hu.astype(np.int16), intercept=-3000, series_uid=f"1.2.{ord(name)}")
    sound, twice, burned = find_series(tmp_path).accepted
    assert [sampled_scale(one).offset_hu for one in (sound, twice)] == [0, -1024]
    problem = scale_problem(burned)
    assert scale_problem(sound) is scale_problem(twice) is None
    assert problem is not None and problem[0] == "not-hounsfield"


def test_a_slice_that_cannot_be_decoded_is_a_problem(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    (series,) = find_series(tmp_path).accepted
    for path in paths:
        path.write_bytes(path.read_bytes()[:-100])
    assert scale_problem(series) == ("unreadable-pixels", scale_problem(series)[1])  # type: ignore[index]
