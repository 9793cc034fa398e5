"""benchmarks/support/paired_timing.py: both ways do the same work, and a difference would be seen."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.support.paired_timing import agreement, our_store
from preprocessing.crop import crop_for_box, crop_image
from preprocessing.settings import PAPER_SETTINGS
from preprocessing.store.lobe_store import LobeStore
from tests.reference import prepare as literal


def test_our_store_holds_what_the_literal_way_gives(folder: Path, lobes: list[dict], tmp_path: Path) -> None:
    our_store(folder, tmp_path, PAPER_SETTINGS)
    store = LobeStore.open(tmp_path / "store")
    (scan,) = store.scans()
    arrays = store.read(scan.key, range(len(scan.side)))
    places = [(one["slice"], one["side"] - 1, *one["box"]) for one in lobes]
    assert places == list(zip(scan.slice_index, scan.side, *scan.box.T, strict=True))

    def literally(name: str) -> NDArray:
        return np.stack([one[name] for one in lobes])

    np.testing.assert_array_equal(arrays.mask, literally("crop_mask"))
    np.testing.assert_array_equal(arrays.distance, literally("distance"))
    # The literal background is a median of an even number of voxels: half a unit of 2048 away at most.
    assert np.abs(arrays.images - 2048 * literally("planes")).max() <= 0.5
    assert (arrays.semi_infection != literally("semi_infection")).mean() < 1e-3
    assert arrays.semi_infection.any()


def test_the_agreement_is_intersection_over_union(folder: Path, lobes: list[dict]) -> None:
    assert agreement(folder, lobes) == 1
    pixels = [np.count_nonzero(one["mask"]) for one in lobes]
    assert agreement(folder, lobes[1:]) == pytest.approx(1 - pixels[0] / sum(pixels))
    swapped = [{**lobes[0], "side": 3 - lobes[0]["side"]}, *lobes[1:]]
    assert agreement(folder, swapped) == pytest.approx(1 - pixels[0] / sum(pixels))


def test_the_literal_crop_of_a_large_lobe_is_ours_but_for_the_interpolation() -> None:
    rows, columns = np.mgrid[:400, :400]
    image = (1000 + 500 * np.sin(rows / 40) + 300 * np.cos(columns / 50)).astype(np.uint16)
    crop = crop_for_box((10, 20, 390, 320))
    theirs = literal.crop(image.astype(float), crop.box)
    ours = crop_image(image, crop)
    np.testing.assert_array_equal(theirs > 0, ours > 0)
    assert np.abs(theirs - ours).max() < 25
    mask = image > 1200
    assert (literal.crop(mask, crop.box) != crop_image(mask, crop)).mean() < 0.01
