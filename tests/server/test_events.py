"""The events of a study, counted."""

from pathlib import Path

from server import events
from tests.support.local_rounds import STUDY, run


def test_the_events_tell_everything_that_a_progress_bar_needs(tmp_path: Path) -> None:
    told: list[events.Event] = []
    run(tmp_path, on_event=told.append)
    gathered = next(e for e in told if isinstance(e, events.RosterBuilt))
    after = told[told.index(gathered) :]
    replies = sum(isinstance(e, events.RequestFinished) for e in after)
    assert replies == events.request_count(STUDY, training=3, held_out=1)
    assert [e.record.round for e in told if isinstance(e, events.RoundFinished)] == [1, 2, 3, 1, 2]
