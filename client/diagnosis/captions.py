"""The text over and under every picture of a scan."""

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.plotting import CAUTION, MUTED, Canvas
from client.diagnosis.verdict_text import (
    NOT_FOR_PATIENTS,
    cautions,
    format_percent,
    format_probability,
    verdict_words,
)

MARGIN = 20


def write_verdict(canvas: Canvas, diagnosis: Diagnosis) -> None:
    """Upper right corner, as in Fig. 3: verdict, both probabilities, the infected share, what limits them."""
    right = canvas.width - MARGIN
    diseased, covid = diagnosis.scores["diseased"], diagnosis.scores["covid"]
    canvas.text(right, 12, verdict_words(diagnosis), 15, ha="right", fontweight="bold")
    scores = (
        f"P(diseased) {format_probability(diseased.probability)} · "
        f"P(COVID-19, if diseased) {format_probability(covid.probability)}"
    )
    canvas.text(right, 42, scores, 10, ha="right")
    volume = diagnosis.infected_volume()
    infected = f"infected: {format_percent(volume.percent)} of the lungs, {volume.infected_ml:.0f} ml"
    canvas.text(right, 64, infected, 10, ha="right")
    canvas.text(right, 80, cautions(diagnosis), 9, ha="right", color=CAUTION)


def write_footer(canvas: Canvas, diagnosis: Diagnosis) -> None:
    """What the model was trained on, and that it is not for patients."""
    canvas.text(MARGIN, canvas.height - 44, f"Model: {diagnosis.card.trained_on}", 9, color=MUTED)
    canvas.text(MARGIN, canvas.height - 24, NOT_FOR_PATIENTS, 9, color=MUTED)
