"""The mesh of a rotated patient lies on the scanner's pixels."""

import numpy as np
import pytest

from preprocessing.phantom.anatomy import Anatomy
from preprocessing.phantom.chest import random_chest
from preprocessing.phantom.lesions import Findings
from preprocessing.phantom.organs import midline
from preprocessing.phantom.painting import Frame
from preprocessing.phantom.patient import Patient
from preprocessing.phantom.scanner import Scanner

FRAME = Frame.centred(150, 150, 2.5, centre=(6.0, -4.0), angle=0.1)


@pytest.fixture(scope="module")
def patient() -> Patient:
    chest = random_chest(np.random.default_rng(0))
    return Patient(
        Anatomy(chest, (0,)), Findings(), Scanner("a", "k", matrix=150), FRAME, np.array([0.0, 20.0])
    )


def test_the_mesh_is_read_at_the_pixels_of_its_points(patient: Patient) -> None:
    y, x = patient.mesh_axes
    plane = (3 * x + y[:, None]).astype(np.float32)  # linear, so that interpolation is exact
    box = slice(60, 80), slice(50, 90)
    found = patient.at_pixels(plane, box)
    back = np.linalg.inv(np.vstack([FRAME.matrix, (0, 0, 1)]))
    rows, columns = np.mgrid[60:80, 50:90]
    place = np.einsum("ij,jrc->irc", back, np.stack([columns, rows, np.ones_like(rows)]))
    np.testing.assert_allclose(found, 3 * place[0] + place[1], atol=0.5)  # OpenCV rounds to 1/32 of a point


def test_sides_part_at_the_midline(patient: Patient) -> None:
    cover = np.full((2, 150, 150), 255, np.uint8)
    cover[:, :10] = 100  # less than half lung
    sides = patient.sides(cover)
    assert not sides[:, :10].any()
    back = np.linalg.inv(np.vstack([FRAME.matrix, (0, 0, 1)]))
    rows, columns = np.mgrid[10:150, :150]
    x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
    for number, z in enumerate(patient.z_mm):
        np.testing.assert_array_equal(
            sides[number, 10:], np.where(x > midline(patient.chest, float(z)), 2, 1)
        )
