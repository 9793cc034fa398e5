"""Painted shapes have the area and place that was asked for."""

import numpy as np
import pytest

from preprocessing.phantom.painting import Frame, Shape, ellipse, paint


def test_a_painted_ellipse_has_its_area_and_place() -> None:
    frame = Frame.centred(300, 300, 0.8, centre=(10, -5), angle=0.2)
    _, cover = paint([Shape((ellipse((30, 20), (40, 25), 0.4),), -850, lung=True)], frame)
    share = cover / 255
    rim = 0.5 * 0.8  # OpenCV's soft edge lies half a pixel outside the outline
    assert share.sum() * 0.8**2 == pytest.approx(np.pi * (40 + rim) * (25 + rim), rel=0.01)
    middle = np.array([(share.sum(0) * np.arange(300)).sum(), (share.sum(1) * np.arange(300)).sum()])
    np.testing.assert_allclose(middle / share.sum(), frame.pixels(np.array([30.0, 20.0])), atol=0.2)


def test_the_frames_middle_is_the_point_asked_for() -> None:
    frame = Frame.centred(101, 201, 0.5, centre=(7, 9), angle=0.3)
    np.testing.assert_allclose(frame.pixels(np.array([7.0, 9.0])), (100, 50))
    assert frame.pixel_mm == pytest.approx(0.5)
