"""Progress of long work in named steps: a bar for each on a terminal, otherwise a line; and their times."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import rich.progress
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from shared_model.progress import Progress


class Steps:
    """Progress on stderr; `seconds[name]` is the wall time of each finished step, in order."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        self.console = Console(stderr=True, quiet=quiet)
        self._bars = rich.progress.Progress(
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
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def step(self, name: str) -> Iterator[Progress]:
        """A step with a bar, which the block moves with the Progress that it gets."""
        bar = self._bars.add_task(name, total=None)
        start = time.monotonic()
        yield lambda done, total: self._bars.update(bar, completed=done, total=total)
        self.seconds[name] = time.monotonic() - start
        self._bars.stop_task(bar)
        if not self.console.is_terminal:
            self.say(f"{name}: {self.seconds[name]:.1f} s")

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
