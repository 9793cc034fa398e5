"""Figures in words."""

from client.diagnosis.figure_text import format_percent, format_probability


def test_figures_in_words() -> None:
    assert [format_percent(v) for v in (None, 0.0, 0.01, 0.06, 12.34)] == [
        "undefined",
        "0.0 %",
        "< 0.1 %",
        "0.1 %",
        "12.3 %",
    ]
    assert [format_probability(v) for v in (0.001, 0.5, 0.999)] == ["< 0.01", "0.50", "> 0.99"]
