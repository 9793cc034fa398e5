"""Each line once a round where nobody sits at a terminal; a bar where somebody does."""

import io

from rich.console import Console

from deploy.coordinator.display import StudyDisplay
from server.status import Asked, StudyStatus

STATUS = StudyStatus(study="s", state="running", stage="lobes", round=1, rounds=2, rounds_total=2)


def asked(reason: str | None) -> StudyStatus:
    return STATUS.model_copy(update={"asked": {"north": Asked(sent=0.0, reason=reason)}})


def shown(*statuses: StudyStatus, terminal: bool) -> str:
    out = io.StringIO()
    with StudyDisplay(Console(file=out, force_terminal=terminal, width=100)) as display:
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


def test_a_terminal_shows_the_present_state_and_hides_its_cursor_only_while_it_does() -> None:
    text = shown(asked(None), asked("paused"), terminal=True)
    assert "\x1b[1A" in text and "north was asked again (paused)" in text  # it goes up and draws again
    hidden, shown_again = "\x1b[?25l", "\x1b[?25h"
    assert text.index(hidden) < text.index(shown_again) < text.index("[a question]")
    assert text.rindex(shown_again) > text.rindex(hidden)
