"""Lung without air: the surfaces that bound it, against shapes whose equations are known."""

from preprocessing.lungs.consistent_lobes import consistent_lungs
from tests.support.lung_shapes import SPACING, remove_air_from_backs, ribs


def test_both_lungs_backs_without_air_stay_lung() -> None:
    images, sides = ribs()
    backs = remove_air_from_backs(images, sides)
    found = consistent_lungs(images, SPACING)
    middle = slice(8, 26)
    kept = (found == sides)[middle][backs[middle]].mean()
    taken = ((found > 0) & (sides == 0)).sum() / (sides > 0).sum()
    assert kept > 0.85
    assert taken < 0.03
