"""Text that another party wrote: refused if a screen could not show it as it is, escaped where it is shown.

An escape sequence in a study's name could redraw the screen on which people approve the study.
"""

from typing import Annotated

from pydantic import AfterValidator, Field


def escape(text: str) -> str:
    """`text` on one line, with \\x1b and the like in the place of every character that is not printable.

    Among these are line ends, control characters, and marks that turn the direction of writing.
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("only printable characters, on one line, with no space at its ends")
    return text


PrintableName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)]
"""A name that another party gives."""

PrintableText = Annotated[str, Field(max_length=500), AfterValidator(_printable)]
"""A sentence or a path that another party gives."""
