"""The best of several usable series: chosen by rule, logged, and described without naming a patient."""

import logging
from pathlib import Path

import numpy as np
import pytest

from preprocessing.reading.series import CtSeries, find_series
from preprocessing.reading.series_selection import choose_series, kernel_class
from tests.support.chests import chest, write_series

HU, _ = chest(12, 32)


OTHER, _ = chest(12, 32, seed=5)


def accepted(folder: Path) -> list[CtSeries]:
    report = find_series(folder)
    assert not report.refused
    return list(report.accepted)


def test_the_best_series_is_chosen_by_rule_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wide = np.zeros((30, 64, 64), np.int16)
    series = {
        "thick": (wide[:10], 3.0, {"ConvolutionKernel": "LUNG"}),
        "thin": (wide, 1.0, {"ConvolutionKernel": "LUNG"}),
        "thinner": (wide, 0.99, {"ConvolutionKernel": "WHATEVER"}),
        "part": (wide[:15], 1.0, {"ConvolutionKernel": "LUNG"}),
        "lossy": (wide, 1.0, {"ConvolutionKernel": "LUNG", "LossyImageCompression": "01"}),
        "narrow": (wide, 1.0, {"ConvolutionKernel": "LUNG", "PixelSpacing": [1, 1]}),
    }
    for name, (hu, step, tags) in series.items():
        write_series(
            tmp_path / name, hu, heights=step * np.arange(len(hu)), **{"PixelSpacing": [5, 5], **tags}
        )
    found = accepted(tmp_path)
    with caplog.at_level(logging.INFO, "pneumofed.preprocessing"):
        best = choose_series(found)
    assert best.images[0].path.parent.name == "thin"
    assert best.flags == ("chosen",)
    assert choose_series(found[::-1]) == best
    assert [record.getMessage() for record in caplog.records][0] == (
        "6 series could be used; chose the one of 30 slices, 1 mm apart, kernel lung (no flags)"
    )
    assert choose_series(found[:1]) == found[0]


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("B70f", "lung"), ("Bl57d", "lung"), ("Br40d\\3", "soft"), ("B30s", "soft"), ("LUNG", "lung"),
        ("STANDARD", "soft"), ("FC51", "lung"), ("FC08", "soft"), ("YA", "lung"), ("B", "soft"),
        ("BONEPLUS", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_kernels_of_the_makers_are_known(tmp_path: Path, kernel: str, kind: str) -> None:
    write_series(tmp_path, HU, ConvolutionKernel=kernel)
    assert kernel_class(accepted(tmp_path)[0]) == kind
