"""Shows a running study: a bar and a line for each hospital on a terminal, otherwise each line once."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from deploy.coordinator.study_words import study_in_words
from server.status import StudyStatus

BAR_WIDTH = 40


class StudyDisplay:
    """On stderr, for a `with` block. console: where; None: this process's stderr."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._round: tuple[object, ...] = ()
        self._shown: set[str] = set()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, status: StudyStatus) -> None:
        """The status as it is now."""
        lines = study_in_words(status)
        if self._live is not None:
            bar = ProgressBar(
                total=max(1, status.rounds_total), completed=status.rounds_done, width=BAR_WIDTH
            )
            self._live.update(Group(Padding(bar), *map(_wrapped, lines)), refresh=True)
            return
        self._print_new(status, lines)

    def _print_new(self, status: StudyStatus, lines: list[str]) -> None:
        """The lines that were not printed in this round. What comes and goes is told once a round."""
        this_round = (status.state, status.stage, status.round)
        if this_round != self._round:
            self._round, self._shown = this_round, set()
        for line in lines:
            if line not in self._shown:
                self._shown.add(line)
                self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Leaves the terminal to a question."""
        if self._live is not None:
            self._live.stop()
        try:
            yield
        finally:
            if self._live is not None:
                self._live.start()


def _wrapped(line: str) -> Padding:
    """As many lines as the terminal's width needs, all with the line's own indentation."""
    text = line.lstrip(" ")
    return Padding(Text(text), (0, 0, 0, len(line) - len(text)))
