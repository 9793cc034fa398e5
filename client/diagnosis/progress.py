"""How the steps of a diagnosis tell how far they are."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the name of the step, and how much of it is done and in all."""


def no_progress(step: str, done: int, total: int) -> None:
    """For those who do not watch."""
