"""Counts as they may be told of: none below the hospital's floor."""


def told(count: int, floor: int) -> int | None:
    """A count as it may be told: None if it is below `floor`, zero included."""
    return count if count >= floor else None


def count_in_words(count: int | None, floor: int) -> str:
    """A count that `told` gave."""
    return f"fewer than {floor}" if count is None else str(count)
