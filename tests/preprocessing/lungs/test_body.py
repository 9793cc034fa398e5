"""The body's hull and the air enclosed in it, for a body of ellipses on a table."""

import numpy as np

from preprocessing.lungs.body import find_body, find_enclosed_air
from tests.support.chests import ellipse

AIR = 5  # no slice's air is 0 everywhere, as outside a round field of view
SIZE, SPACING = 100, (5.0, 2.0, 2.0)
BODY = ellipse(SIZE, 0.45, 0.5, 0.3, 0.4)
LUNG = ellipse(SIZE, 0.45, 0.3, 0.15, 0.1)
TABLE = np.zeros((SIZE, SIZE), np.bool_)
TABLE[78:82, 5:95] = True


def images(slices: int = 4) -> np.ndarray:
    """Tissue 1040, lung 150, outside air 0; the table touches the back over 8 mm."""
    image = np.where(BODY | TABLE, 1040, 0)
    image[LUNG] = 150
    image[74:78, 50:54] = 1040
    return np.broadcast_to(image, (slices, SIZE, SIZE)).astype(np.uint16)


def test_the_body_is_the_largest_component_without_the_table() -> None:
    body = find_body(images() < 500, SPACING)
    assert not body[:, TABLE].any()
    assert (body[0] != BODY).sum() < 0.02 * BODY.sum()


def test_no_tissue_is_no_body() -> None:
    assert not find_body(np.ones((2, 20, 20), np.bool_), SPACING).any()


def test_enclosed_air_is_what_the_outside_does_not_reach() -> None:
    scan = images()
    air = find_enclosed_air(scan, scan < 500, np.broadcast_to(BODY, scan.shape), SPACING)
    np.testing.assert_array_equal(air, np.broadcast_to(LUNG, scan.shape))


def test_a_lung_that_the_field_of_view_truncates_is_kept() -> None:
    scan = np.ascontiguousarray(images()[:, :, 25:])
    body, lung = np.broadcast_to(BODY[:, 25:], scan.shape), LUNG[:, 25:]
    assert lung[:, 0].any()
    air = find_enclosed_air(scan, scan < 500, body, SPACING)
    assert (air[:, lung]).mean() > 0.9
    assert not air[:, ~lung].any()


def drawn(*tissue: np.ndarray, lungs: dict[int, np.ndarray] | None = None, slices: int = 4) -> np.ndarray:
    """Slices of such tissue, outside air, and lungs of such grey values."""
    image = np.where(np.logical_or.reduce(tissue), 1040, AIR)
    for grey, lung in (lungs or {150: LUNG}).items():
        image[lung] = grey
    return np.repeat(image[np.newaxis], slices, axis=0).astype(np.uint16)


def box(row0: int, row1: int, column0: int, column1: int) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[row0:row1, column0:column1] = True
    return mask


def test_air_that_back_and_table_enclose_is_no_body() -> None:
    scan = drawn(BODY, TABLE, box(70, 78, 30, 34), box(70, 78, 66, 70))
    pocket = box(76, 78, 35, 65)
    assert (scan[0, pocket] == AIR).all()
    body = find_body(scan < 500, SPACING)
    assert not body[:, pocket].any()
    assert (body[0] != BODY).sum() < 0.02 * BODY.sum()


def test_air_that_arm_and_table_enclose_is_no_body() -> None:
    arm = ellipse(SIZE, 0.62, 0.06, 0.16, 0.045)
    scan = drawn(BODY, TABLE, arm, box(46, 49, 5, 14), box(70, 78, 20, 24))
    body = find_body(scan < 500, SPACING)
    pocket = (scan[0] == AIR) & box(56, 76, 11, 19)
    assert pocket.sum() > 60
    assert not body[:, pocket].any()
    assert not find_enclosed_air(scan, scan < 500, body, SPACING)[:, ~LUNG].any()


def test_thin_walls_between_ribs_enclose_the_lung() -> None:
    """Over 20 mm of the lung's side, in all slices, the wall is 4 mm thick."""
    lung = LUNG | (ellipse(SIZE, 0.45, 0.5, 0.28, 0.38) & box(40, 50, 0, 30))
    body = find_body(drawn(BODY, lungs={150: lung}) < 500, SPACING)
    assert (body[0] != BODY).sum() < 0.02 * BODY.sum()
    assert body[:, lung].all()


def test_ribs_above_and_below_close_a_wider_gap() -> None:
    thick, thin = ellipse(SIZE, 0.45, 0.5, 0.24, 0.34), ellipse(SIZE, 0.45, 0.5, 0.285, 0.385)
    scan = drawn(BODY, lungs={150: thick}, slices=5)
    scan[2, thin] = 150  # 3 mm of wall all around
    body = find_body(scan < 500, SPACING)
    assert body[2, thin].all()


def test_vessels_do_not_open_a_lung() -> None:
    """Most of what adjoins this lung's air is vessel, and vessels are not the body's thick parts."""
    lung = ellipse(SIZE, 0.45, 0.5, 0.24, 0.34)
    lung |= ellipse(SIZE, 0.45, 0.5, 0.28, 0.38) & box(40, 50, 0, 30)  # a thin wall
    rows, columns = np.indices(lung.shape)
    vessels = (rows % 3 == 0) & (columns % 3 == 0) & ellipse(SIZE, 0.45, 0.5, 0.23, 0.33)
    body = find_body(drawn(BODY, lungs={150: lung & ~vessels}) < 500, SPACING)
    assert body[:, lung].all()


def enclosed(scan: np.ndarray) -> np.ndarray:
    scan = np.ascontiguousarray(scan)
    return find_enclosed_air(scan, scan < 500, find_body(scan < 500, SPACING), SPACING)


BOTH = {150: LUNG | ellipse(SIZE, 0.45, 0.7, 0.15, 0.1)}
CUT = np.s_[:, :, 25:]


def test_air_in_the_corners_beside_a_body_that_the_edge_cuts_is_no_lung() -> None:
    arm = ellipse(SIZE, 0.12, 0.3, 0.1, 0.04)  # within the hull of body and arm lies air
    scan = drawn(BODY, box(15, 30, 24, 36), arm, lungs=BOTH)[:, :, 15:]  # cuts the body, not the lung
    air = enclosed(scan)
    np.testing.assert_array_equal(air, np.broadcast_to(BOTH[150][:, 15:], scan.shape))


def behind_the_back(height: int, grey: int) -> np.ndarray:
    """What is found between a flat back and the table, which touch in the middle; the edge cuts both."""
    back, table = box(45, 66, 10, 90), box(66 + height, 95, 0, 100)
    gap = box(66, 66 + height, 0, 38)
    scan = drawn(BODY, back, table, box(60, 95, 38, 62), lungs={**BOTH, grey: BOTH[150] | gap})
    scan[:, BOTH[150]] = 150
    return enclosed(scan[:, :, 15:])[:, gap[:, 15:]]


def test_slits_behind_the_back_are_no_lung() -> None:
    """A slit can be as bright as lung: blurred edges, a sheet. It is thin."""
    assert not behind_the_back(6, 150).any()


def test_air_behind_the_back_that_table_and_edge_close_is_no_lung() -> None:
    assert not behind_the_back(12, AIR).any()


def test_a_truncated_lung_joined_to_the_other_in_front_is_kept() -> None:
    joined = BOTH[150] | ellipse(SIZE, 0.36, 0.5, 0.03, 0.2)
    scan = drawn(BODY, lungs={150: joined})[CUT]
    air, lungs = enclosed(scan), joined[:, 25:]
    assert air[:, lungs].mean() > 0.95
    assert not air[:, ~lungs].any()


def test_a_truncated_lung_with_emphysema_is_kept() -> None:
    """Half as bright as the other one; noise takes some of it below the outside air's level."""
    ill = LUNG[:, 25:]
    scan = drawn(BODY, lungs={150: BOTH[150] & ~LUNG, 75: LUNG})[CUT]
    noise = np.random.default_rng(0).normal(0, 25, scan.shape)
    scan = np.clip(scan + np.where(scan > AIR, noise, np.abs(noise) / 2), 0, 2048).astype(np.uint16)
    air = enclosed(scan)
    assert air[:, ill].mean() > 0.9
    assert not air[:, ~BOTH[150][:, 25:]].any()


def test_truncated_lungs_as_dark_as_air_are_kept() -> None:
    """The darker one by chance too."""
    scan = drawn(BODY, lungs={28: BOTH[150], 8: LUNG})[CUT]
    air = enclosed(scan)
    assert air[:, LUNG[:, 25:]].mean() > 0.9
    assert not air[:, ~BOTH[150][:, 25:]].any()


def test_a_lung_that_padding_truncates_is_kept() -> None:
    padding = box(0, SIZE, 0, 25)
    scan = drawn(BODY, TABLE)
    scan[:, padding] = 0
    scan[:, :, 25] //= 3  # averaged with padding: dark up to the front edge
    air = enclosed(scan)
    assert LUNG[:, 25].any()
    assert air[:, LUNG & ~padding & ~box(0, SIZE, 25, 27)].mean() > 0.95
    assert not air[:, padding].any()


def test_a_lung_beyond_the_chord_of_a_round_field_is_kept() -> None:
    rows, columns = np.indices((SIZE, SIZE))
    outside = np.hypot(rows - 45, columns - 50) > 28  # 56 mm: cuts both lungs
    scan = drawn(BODY, TABLE, lungs={150: LUNG | LUNG[:, ::-1]})
    scan[:, outside] = 0
    air = enclosed(scan)
    inner = np.hypot(rows - 45, columns - 50) < 26
    assert air[:, LUNG & inner].mean() > 0.95


def test_foam_that_adjoins_outside_air_is_no_lung() -> None:
    """A pillow beside the chin, which takes it into the body's hull."""
    foam = box(8, 24, 0, 46) & ~BODY
    scan = drawn(BODY, box(0, 20, 46, 54), box(0, 8, 30, 54), lungs={150: BOTH[150] | foam})
    assert not enclosed(scan[:, :, 15:])[:, foam[:, 15:]].any()


def test_air_between_arm_and_body_that_the_edge_closes_is_no_lung() -> None:
    arm = box(0, 12, 0, 40)
    scan = drawn(BODY, arm, box(0, 20, 36, 54), lungs=BOTH)[:, :, 15:]
    air = box(12, 20, 15, 30)[:, 15:]
    assert not enclosed(scan)[:, air].any()


def test_small_pockets_at_the_edge_are_no_lung() -> None:
    """22 mm x 22 mm in one slice, as bright as lung, a twentieth of the lungs."""
    scan = drawn(BODY, box(45, 66, 10, 90), box(60, 95, 26, 74), box(77, 95, 0, 100), lungs=BOTH, slices=5)
    pocket = box(66, 77, 15, 26)
    scan[:, pocket] = 1040
    scan[2, pocket] = 150
    assert not enclosed(scan[:, :, 15:])[:, pocket[:, 15:]].any()


def test_foam_that_reaches_the_back_edge_is_no_lung() -> None:
    """Lung lies between ribs, and ribs between a lung and the table's edge of the field of view."""
    arm, spine = box(45, 80, 10, 30), box(70, SIZE, 46, 54)
    for foam in (box(80, SIZE, 0, 46), box(74, SIZE, 31, 46)):  # with and without a part of the lateral edge
        foam = (foam | box(74, SIZE, 31, 46)) & ~(BODY | arm | spine)
        scan = drawn(BODY, arm, spine, lungs={150: BOTH[150] | foam})
        if not foam[:, 15].any():
            scan[:, box(80, SIZE, 15, 31)] = 1040
        assert not enclosed(scan[:, :, 15:])[:, foam[:, 15:]].any()
