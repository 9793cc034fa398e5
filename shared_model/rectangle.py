"""Rectangles of an image, and the receptive field of one block of the patch feature extractor."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

BLOCK_RADIUS = 2  # pixels: receptive field of two 3x3 convolutions, on each side


@dataclass(frozen=True)
class Span:
    """Rows, or columns, from `start` up to and without `stop`."""

    start: int
    stop: int

    def affected_outputs(self, size: int) -> "Span":
        """Outputs of a block whose receptive field contains any of these inputs, in an image of `size`."""
        return Span(max(self.start - BLOCK_RADIUS, 0) // 2, (min(self.stop + BLOCK_RADIUS, size) + 1) // 2)

    def required_inputs(self, size: int) -> "Span":
        """Inputs that a block needs to compute these outputs, in an image of `size`.

        The block pads its input with zeros. That is correct at the image's own edge; elsewhere the padding
        affects only the outermost output on each side, which lies outside this span.
        """
        return Span(max(2 * self.start - BLOCK_RADIUS, 0), min(2 * self.stop + BLOCK_RADIUS, size))


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of an image."""

    rows: Span
    columns: Span

    @staticmethod
    def full(size: int) -> "Rectangle":
        """All of an image of size x size."""
        return Rectangle(Span(0, size), Span(0, size))

    @staticmethod
    def enclosing(rectangles: Sequence["Rectangle"]) -> "Rectangle":
        """The smallest rectangle that contains all of `rectangles`."""
        spans = [r.rows for r in rectangles], [r.columns for r in rectangles]
        return Rectangle(*(Span(min(s.start for s in both), max(s.stop for s in both)) for both in spans))

    @property
    def area(self) -> int:
        """Pixels."""
        return (self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start)

    def crop(self, images: Tensor, *, origin: "Rectangle | None" = None) -> Tensor:
        """View of this part of `images` [..., row, column].

        origin: the rectangle of the whole image that `images` hold; None if they hold all of it.
        """
        top, left = (origin.rows.start, origin.columns.start) if origin is not None else (0, 0)
        rows = slice(self.rows.start - top, self.rows.stop - top)
        return images[..., rows, self.columns.start - left : self.columns.stop - left]

    def affected_outputs(self, size: int) -> "Rectangle":
        """Span.affected_outputs of rows and columns."""
        return Rectangle(self.rows.affected_outputs(size), self.columns.affected_outputs(size))

    def required_inputs(self, size: int) -> "Rectangle":
        """Span.required_inputs of rows and columns."""
        return Rectangle(self.rows.required_inputs(size), self.columns.required_inputs(size))

    def pooled(self) -> "Rectangle":
        """This rectangle after 2x2 max pooling."""
        return Rectangle(*(Span(s.start // 2, s.stop // 2) for s in (self.rows, self.columns)))
