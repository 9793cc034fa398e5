"""benchmarks/localisation.py: the figures of all scans."""

import pytest

from benchmarks.localisation import figures_of
from benchmarks.support.infection_comparison import Found


def test_healthy_scans_count_for_the_percent_but_not_for_dice() -> None:
    ill = Found("covid", 0.6, 0.4, percent=10, true_percent=14, slices=(3, 4), lesions=(1, 2))
    well = Found("healthy", None, None, percent=2, true_percent=0, slices=(0, 0), lesions=(0, 0))
    figures = figures_of([ill, well])
    assert figures == pytest.approx(
        {
            "dice": 0.6, "infected_percent_error": 3, "healthy_percent": 2, "slices_found": 0.75,
            "lesions_found": 0.5, "dice_semi_infection": 0.4,
        }
    )  # fmt: skip
