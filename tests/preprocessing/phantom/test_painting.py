"""Painting, tubes, trees and noise, each against a direct calculation."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from preprocessing.phantom import noise
from preprocessing.phantom.painting import Frame, Shape, ellipse, paint
from preprocessing.phantom.tube_segments import polyline_tube
from preprocessing.phantom.vessel_tree import grow_tree


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


def test_a_tree_hangs_together_and_reaches_every_target() -> None:
    rng = np.random.default_rng(3)
    targets = rng.uniform(-40, 40, (150, 3))
    tree, feeding = grow_tree(np.zeros(3), targets, 1.0, rng)
    assert feeding[0] == 150
    known = {(0.0, 0.0, 0.0)} | {tuple(end) for end in tree.end}
    assert all(tuple(start) in known for start in tree.start)
    leaves = tree.end[feeding == 1]
    nearest = np.linalg.norm(targets[:, None] - leaves[None], axis=2).min(1)
    assert len(leaves) == 150
    assert np.median(nearest) < 3
    assert tree.radius[0] == tree.radius.max()


def test_noise_is_linear_interpolation_of_one_periodic_block() -> None:
    z, y, x = np.array([3.3, 700.0]), np.linspace(-60, 200, 7), np.linspace(-300, 40, 5)
    got = noise.noise_at(z, y, x, scale_mm=2.5, key=9)
    shift = np.random.default_rng([noise._SEED, 9]).uniform(0, 1000, 3)
    mesh = np.meshgrid(z / 2.5 + shift[0], y / 2.5 + shift[1], x / 2.5 + shift[2], indexing="ij")
    expected = map_coordinates(noise._tile(), mesh, order=1, mode="grid-wrap")
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_noise_is_fixed_in_space_whatever_the_mesh() -> None:
    y, x = np.arange(0.0, 40, 0.5), np.arange(0.0, 60, 0.5)
    whole = noise.noise_at(np.array([5.0]), y, x, scale_mm=3, key=1)[0]
    part = noise.noise_at(np.array([5.0]), y[20:60:2], x[10:50:5], scale_mm=3, key=1)[0]
    np.testing.assert_allclose(part, whole[20:60:2, 10:50:5], atol=1e-6)
    assert whole.std() == pytest.approx(0.8, abs=0.35)
