"""Pseudonyms: folds are uniform and keys unambiguous."""

import numpy as np

from preprocessing.store.scan_record import Pseudonyms


def test_folds_are_spread_evenly() -> None:
    names = Pseudonyms(b"k" * 32)
    folds = np.array([names.fold(str(number)) for number in range(4000)])
    counts, _ = np.histogram(folds, bins=10, range=(0, 1))
    assert counts.sum() == 4000
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400)
