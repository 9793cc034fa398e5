"""A diagnosis in words, the same in pictures, documents and on the screen."""

from client.diagnosis.findings import WORDS, Diagnosis

NOT_FOR_PATIENTS = "Not a medical device: a research model, not to be used for the care of patients."


def percent(value: float | None) -> str:
    """A share in percent: "12.3 %", and a trace or an undefined one as such."""
    if value is None:
        return "undefined"
    return "< 0.1 %" if 0 < value < 0.05 else f"{value:.1f} %"


def probability(value: float) -> str:
    """A probability that never pretends certainty: "0.87", "< 0.01", "> 0.99"."""
    if value < 0.005:
        return "< 0.01"
    return "> 0.99" if value > 0.995 else f"{value:.2f}"


def verdict_words(diagnosis: Diagnosis) -> str:
    return WORDS[diagnosis.verdict]


def verdict_sentence(diagnosis: Diagnosis) -> str:
    """One sentence: what the scan is called and why."""
    diseased, covid = diagnosis.scores["diseased"], diagnosis.scores["covid"]
    of_diseased = f"probability {diseased.probability:.3f}, operating point {diseased.operating_point:.3f}"
    if diagnosis.verdict == "healthy":
        return f"Called healthy: below the operating point for diseased ({of_diseased})."
    of_covid = f"probability {covid.probability:.3f}, operating point {covid.operating_point:.3f}"
    return (
        f"Called diseased ({of_diseased}) and, of the diseased, {verdict_words(diagnosis)} "
        f"(COVID-19 {of_covid})."
    )
