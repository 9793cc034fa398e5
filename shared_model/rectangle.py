"""Rectangles of an image, and how far a block of the patch feature extractor looks beyond them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

LOOKS = 2  # pixels: two 3x3 convolutions


@dataclass(frozen=True)
class Span:
    """Rows, or columns, from `start` up to `stop`."""

    start: int
    stop: int

    def touched(self, size: int) -> "Span":
        """Outputs of a block that look at any of these inputs, in an image of `size`."""
        return Span(max(self.start - LOOKS, 0) // 2, (min(self.stop + LOOKS, size) + 1) // 2)

    def needed(self, size: int) -> "Span":
        """Inputs that a block needs for these outputs, where the image has `size`.

        The block pads what it is given with zeros. Those are right at the image's own edge; elsewhere they
        reach the outermost output on each side, which lies beyond this span.
        """
        return Span(max(2 * self.start - LOOKS, 0), min(2 * self.stop + LOOKS, size))


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of an image."""

    rows: Span
    columns: Span

    @property
    def area(self) -> int:
        """Pixels."""
        return (self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start)

    def of(self, images: Tensor, *, origin: "Rectangle | None" = None) -> Tensor:
        """This part of [..., row, column]; `origin` is the rectangle that `images` fill, else all from 0."""
        top, left = (origin.rows.start, origin.columns.start) if origin is not None else (0, 0)
        rows = slice(self.rows.start - top, self.rows.stop - top)
        return images[..., rows, self.columns.start - left : self.columns.stop - left]

    @staticmethod
    def whole(size: int) -> "Rectangle":
        """All of an image of size x size."""
        return Rectangle(Span(0, size), Span(0, size))

    def touched(self, size: int) -> "Rectangle":
        """Span.touched, both ways."""
        return Rectangle(self.rows.touched(size), self.columns.touched(size))

    def needed(self, size: int) -> "Rectangle":
        """Span.needed, both ways."""
        return Rectangle(self.rows.needed(size), self.columns.needed(size))

    def halved(self) -> "Rectangle":
        """What a 2x2 maximum makes of this rectangle."""
        return Rectangle(*(Span(s.start // 2, s.stop // 2) for s in (self.rows, self.columns)))

    @staticmethod
    def around(rectangles: Sequence["Rectangle"]) -> "Rectangle":
        """The least rectangle that holds all of `rectangles`."""
        spans = [w.rows for w in rectangles], [w.columns for w in rectangles]
        return Rectangle(*(Span(min(s.start for s in both), max(s.stop for s in both)) for both in spans))
