"""Numbers as people read them."""

import pytest

from server.report.number_text import area, byte_text, decimal, percent, signed


def test_shares_areas_and_coefficients() -> None:
    assert (percent(0.9236), area(0.95)) == ("92.4", "0.950")
    assert [decimal(value) for value in (1.236, -0.004, -1.5)] == ["1.24", "0.00", "\N{MINUS SIGN}1.50"]
    assert [signed(value) for value in (0.0123, 0.0, -0.0004, -0.2)] == [
        "+0.012", "+0.000", "+0.000", "\N{MINUS SIGN}0.200",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "unknown"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_940, "999.9 kB"),
     (999_960, "1.0 MB"), (6_100_000, "6.1 MB"), (2_500_000_000_000_000, "2500.0 TB")],
)  # fmt: skip
def test_bytes_in_words(count: int | None, words: str) -> None:
    assert byte_text(count) == words
