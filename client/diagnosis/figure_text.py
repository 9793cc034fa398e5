"""Figures and warnings in words, for processes that load no network as well."""

RESEARCH_ONLY = "research use only"
NOT_FOR_PATIENTS = "Not a medical device: a research model, not to be used for the care of patients."


def format_percent(value: float | None) -> str:
    """A share in percent: "12.3 %", "< 0.1 %" or "undefined"."""
    if value is None:
        return "undefined"
    return "< 0.1 %" if 0 < value < 0.05 else f"{value:.1f} %"


def format_probability(value: float) -> str:
    """A probability, never as 0 or 1: "0.87", "< 0.01", "> 0.99"."""
    if value < 0.005:
        return "< 0.01"
    return "> 0.99" if value > 0.995 else f"{value:.2f}"
