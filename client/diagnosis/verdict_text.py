"""A diagnosis in words, the same in pictures, documents and on screen."""

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.figure_text import RESEARCH_ONLY, format_percent
from client.diagnosis.limits import is_research_only, is_uncertain, limits
from shared_model.constants import LABEL_WORDS

# What a flag of the lungs means for the verdict.
_CAUTIONS = {
    "lungs-cut-off": "Only part of the lungs is in view: the result says nothing of the rest.",
    "one-lung": "One lung is missing or nearly so: the result rests on the other.",
}


def verdict_words(diagnosis: Diagnosis) -> str:
    """What the scan is called, whether that is uncertain, and whether it is for research use only."""
    uncertain = " (uncertain)" if is_uncertain(diagnosis) else ""
    research = f", {RESEARCH_ONLY}" if is_research_only(diagnosis.card) else ""
    return f"{LABEL_WORDS[diagnosis.verdict]}{uncertain}{research}"


def limits_words(diagnosis: Diagnosis) -> str:
    """What limits the verdict, the second half of its sentence; empty if nothing does."""
    return "; ".join(limit.words for limit in limits(diagnosis))


def verdict_sentence(diagnosis: Diagnosis) -> str:
    """The verdict and all that limits it in one sentence, without a full stop."""
    return ": ".join(filter(None, (verdict_words(diagnosis), limits_words(diagnosis))))


def cautions(diagnosis: Diagnosis) -> str:
    """What limits the verdict because of the lungs in the scan, in sentences; empty if nothing does."""
    return " ".join(words for flag, words in _CAUTIONS.items() if flag in diagnosis.scan.flags)


def explanation(diagnosis: Diagnosis) -> str:
    """The reason of the verdict, whether the infection map contradicts it, and what limits it."""
    return " ".join(filter(None, (_reason(diagnosis), cautions(diagnosis))))


def _reason(diagnosis: Diagnosis) -> str:
    diseased, covid = diagnosis.scores["diseased"], diagnosis.scores["covid"]
    why = f"probability {diseased.probability:.3f}, operating point {diseased.operating_point:.3f}"
    infected = diagnosis.infected_volume()
    if diagnosis.verdict == "healthy":
        words = f"Called healthy: the probability of disease is below its operating point ({why})."
        marked = f" Yet the map marks {format_percent(infected.percent)} of the lungs: look at the slices."
        return words + (marked if infected.infected_ml > 0 else "")
    of_covid = f"probability of COVID-19 {covid.probability:.3f}, operating point {covid.operating_point:.3f}"
    kinds = [LABEL_WORDS["covid"], LABEL_WORDS["other"]]
    called, rather_than = kinds if diagnosis.verdict == "covid" else kinds[::-1]
    words = f"Called diseased ({why}), and {called} rather than {rather_than} ({of_covid})."
    return words + (" Yet the map marks nothing as infected." if infected.infected_ml == 0 else "")
