"""The rib cage and the spine against ellipses of bone."""

import numpy as np

from preprocessing.lungs.rib_cage import inside_ribs
from preprocessing.lungs.spine import spine_columns
from tests.support.chests import ellipse
from tests.support.lung_shapes import SIZE, SPACING, remove_air_from_backs, ribs


def test_the_cage_ends_at_the_ribs_where_both_backs_hold_no_air() -> None:
    images, sides = ribs()
    backs = remove_air_from_backs(images, sides)
    spine = spine_columns(images > 1500, 100, 80.0, SPACING)
    np.testing.assert_allclose(spine, (SIZE - 1) / 2, atol=1)
    inside = inside_ribs(images, np.where(backs, 0, sides).astype(np.uint8), (75, 79.5), spine, SPACING)
    cage, outer = ellipse(SIZE, 0.5, 0.5, 0.3, 0.4), ellipse(SIZE, 0.5, 0.5, 0.33, 0.43)
    middle = slice(12, 26)
    assert inside[middle][backs[middle]].mean() > 0.95
    aside = np.abs(np.arange(SIZE) - 79.5) > 26  # behind the spine no lung is looked for
    assert inside[middle][:, ~outer & aside].mean() < 0.002
    assert inside[middle][:, cage].mean() > 0.95
