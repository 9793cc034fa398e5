"""The text over and under every picture of a scan."""

import textwrap

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.figure_text import NOT_FOR_PATIENTS, format_percent, format_probability
from client.diagnosis.plotting import CAUTION, MUTED, Canvas
from client.diagnosis.verdict_text import limits_words, verdict_words

MARGIN = 20
HEAD = 164
"""Height in pixels of the text above the pictures."""

_LINES, _LINE_LENGTH = 4, 100  # of what limits the verdict


def write_verdict(canvas: Canvas, diagnosis: Diagnosis) -> None:
    """Upper right corner, as in Fig. 3: verdict, what limits it, both probabilities, the infected share."""
    right = canvas.width - MARGIN
    diseased, covid = diagnosis.scores["diseased"], diagnosis.scores["covid"]
    canvas.text(right, 12, verdict_words(diagnosis), 15, ha="right", fontweight="bold")
    for number, line in enumerate(_limit_lines(diagnosis)):
        canvas.text(right, 38 + 14 * number, line, 9, ha="right", color=CAUTION)
    scores = (
        f"P(diseased) {format_probability(diseased.probability)} · "
        f"P(COVID-19, if diseased) {format_probability(covid.probability)}"
    )
    canvas.text(right, 100, scores, 10, ha="right")
    volume = diagnosis.infected_volume()
    infected = f"infected: {format_percent(volume.percent)} of the lungs, {volume.infected_ml:.0f} ml"
    canvas.text(right, 120, infected, 10, ha="right")


def _limit_lines(diagnosis: Diagnosis) -> list[str]:
    """What limits the verdict, wrapped; what does not fit is in diagnosis.json."""
    return textwrap.wrap(
        limits_words(diagnosis), _LINE_LENGTH, max_lines=_LINES, placeholder=" ... more in diagnosis.json"
    )


def write_footer(canvas: Canvas, diagnosis: Diagnosis) -> None:
    """What the model was trained on, and that it is not for patients."""
    canvas.text(MARGIN, canvas.height - 44, f"Model: {diagnosis.card.trained_on}", 9, color=MUTED)
    canvas.text(MARGIN, canvas.height - 24, NOT_FOR_PATIENTS, 9, color=MUTED)
