"""Long work as named steps: a progress bar each on a terminal, a line each elsewhere, and their times."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Advance = Callable[[int, int], None]
"""Called with how much is done and how much there is."""


class Steps:
    """Progress on stderr; `seconds[name]` is the wall time of each finished step, in order."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        self.console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, name: str) -> Iterator[Advance]:
        """A step with a bar; the block is given the function that moves it."""
        bar = self._progress.add_task(name, total=None)
        start = time.monotonic()
        yield lambda done, total: self._progress.update(bar, completed=done, total=total)
        self.seconds[name] = time.monotonic() - start
        self._progress.stop_task(bar)
        if not self.console.is_terminal:
            self.say(f"{name}: {self.seconds[name]:.1f} s")

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
