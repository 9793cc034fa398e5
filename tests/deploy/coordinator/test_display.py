"""Each line once a round where nobody sits at a terminal; a bar where somebody does."""

import io
import re

import pytest
from rich.console import Console

from deploy.coordinator.display import StudyDisplay
from deploy.coordinator.study_words import study_in_words
from server.status import Asked, StudyStatus

STATUS = StudyStatus(study="s", state="running", stage="lobes", round=1, rounds=2, rounds_total=2)


def asked(reason: str | None) -> StudyStatus:
    return STATUS.model_copy(update={"asked": {"north": Asked(sent=0.0, reason=reason)}})


def shown(*statuses: StudyStatus, terminal: bool, width: int = 100) -> str:
    out = io.StringIO()
    with StudyDisplay(Console(file=out, force_terminal=terminal, width=width)) as display:
        for status in statuses:
            display.show(status)
        with display.set_aside():
            out.write("[a question]")
    return out.getvalue()


def test_a_line_is_printed_once_a_round() -> None:
    one, two = asked(None), asked("paused")
    later = two.model_copy(update={"round": 2, "rounds_done": 1})
    lines = shown(one, two, one, two, later, terminal=False).splitlines()
    assert lines == [
        "study 's': running, stage 'lobes', round 1 of 2, 0 of 2 rounds done",
        "  north has not answered yet",
        "  north was asked again (paused)",
        "study 's': running, stage 'lobes', round 2 of 2, 1 of 2 rounds done",
        "  north was asked again (paused)",
        "[a question]",
    ]


def test_a_study_that_starts_is_told_once_however_much_of_it_is_known() -> None:
    new = StudyStatus(study="s")
    known = new.model_copy(update={"fingerprint": "f", "rounds_done": 1, "rounds_total": 2})
    assert shown(new, known, terminal=False).splitlines()[:-1] == ["study 's': starting"]


def test_a_terminal_shows_the_present_state_and_hides_its_cursor_only_while_it_does() -> None:
    text = shown(asked(None), asked("paused"), terminal=True)
    assert "\x1b[1A" in text and "north was asked again (paused)" in text  # it goes up and draws again
    hidden, shown_again = "\x1b[?25l", "\x1b[?25h"
    assert text.index(hidden) < text.index(shown_again) < text.index("[a question]")
    assert text.rindex(shown_again) > text.rindex(hidden)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_nothing_is_cut_at_the_terminals_width_and_the_bar_has_its_own_line(width: int) -> None:
    status = asked("paused").model_copy(
        update={
            "fingerprint": "e0yq-8vbn-2c4d-pqrs",
            "rounds_done": 1,
            "loss": {"diseased": 0.5123, "covid": 0.4321},
            "error": "a long explanation of what went wrong and of what is to be done about it " * 2,
        }
    )
    text = shown(status, terminal=True, width=width)
    first = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split("[a question]")[0]
    bar, *rows = first.strip().splitlines()
    assert not re.search(r"\w", bar) and all(len(row) <= width for row in rows)
    words = " ".join(study_in_words(status)).split()
    assert " ".join(rows).split()[: len(words)] == words
    assert all(row.startswith("  ") for row in rows if "explanation" in row)
