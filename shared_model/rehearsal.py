"""The rehearsal of a study: the same networks, stages, splits and checks, with one tiny round a stage."""

PREFIX = "rehearsal of "


def is_rehearsal(name: str) -> bool:
    """Whether a study of this name is a rehearsal."""
    return name.startswith(PREFIX)
