"""Tubes and their sections, each against a direct calculation."""

import numpy as np
import pytest

from preprocessing.phantom.painting import Frame
from preprocessing.phantom.tube_segments import polyline_tube


@pytest.mark.parametrize(("z", "seen"), [(0.0, True), (24.0, True), (31.0, False), (-11.0, False)])
def test_an_upright_tube_shows_as_its_circle_in_the_slices_that_meet_it(z: float, seen: bool) -> None:
    cuts = polyline_tube([(5, 6, -5), (5, 6, 25)], [4.0]).section(z, 1.0)
    assert len(cuts.radius) == seen
    if seen:
        np.testing.assert_allclose(np.linalg.norm(cuts.outlines()[0] - (5, 6), axis=1), 4.0)


def test_a_thin_lying_tube_fades_with_the_thickness_of_the_slice() -> None:
    tube = polyline_tube([(0, 0, 0), (30, 0, 0)], [0.5])
    strengths = [tube.section(0.0, thickness).strength[0] for thickness in (1.0, 4.0)]
    assert strengths == pytest.approx([1.0, 0.25])


def test_a_drawn_tube_has_its_area_and_place() -> None:
    frame = Frame.centred(200, 200, 0.5)
    canvas = frame.blank()
    polyline_tube([(-20, 10, 0), (20, 10, 0)], [6.0]).section(0.0, 1.0).draw(canvas, frame)
    share = canvas / 255
    radius = 6 + 0.5 * 0.5  # the soft edge lies half a pixel outside
    assert share.sum() * 0.5**2 == pytest.approx(40 * 2 * radius + np.pi * radius**2, rel=0.02)
    assert (share.sum(1) * np.arange(200)).sum() / share.sum() == pytest.approx(99.5 + 10 / 0.5, abs=0.2)
