"""Opacities on a mesh against the ellipsoid's equation."""

import numpy as np
import pytest

from preprocessing.phantom.lesions import Mesh, Opacity, opacity_map


def test_an_area_without_rag_is_the_ellipsoid_and_respects_side_and_fissure() -> None:
    axis = np.arange(-30.0, 31.0)
    side = np.where(axis < 0, 1, 2).astype(np.uint8) * np.ones((61, 61, 61), np.uint8)
    mesh = Mesh(axis, axis, axis, side, np.zeros(side.shape, np.float32))
    opacity = Opacity((0, 0, 0), (20, 10, 15), -500, side=2, ragged=0.0, blur=0.02, patchy=0.0)
    cover = opacity_map((opacity,), mesh, -850).cover > 0.5
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    expected = ((x / 20) ** 2 + (y / 10) ** 2 + (z / 15) ** 2 < 1) & (x >= 0)
    assert (cover != expected).mean() < 0.001
    above = Opacity((0, 0, 0), (20, 10, 15), -500, side=2, ragged=0.0, blur=0.02, fissure=(0, 0, 1, 5))
    cut = opacity_map((above,), mesh, -850).cover > 0.5
    assert cut.any()
    assert not cut[axis < -9].any()  # the fissure waves by some millimetres
    added = opacity_map((opacity,), mesh, -850).added
    assert added[30, 30, 35] == pytest.approx(350)
