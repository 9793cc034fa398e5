"""Records survive JSON; pseudonyms are keyed hashes, unambiguous, and folds uniform."""

import hashlib
import hmac
import json

import numpy as np
import pytest

from preprocessing.store.scan_record import Pseudonyms, ScanRecord
from tests.support.stores import scan_of

NAMES = Pseudonyms(b"k" * 32)


def test_a_record_survives_json() -> None:
    record, _ = scan_of("a" * 16, "covid")
    again = ScanRecord.from_json(json.loads(json.dumps(record.to_json())))
    assert again.to_json() == record.to_json()
    for name, dtype in (("box", np.int16), ("scale", np.float32), ("side", np.uint8), ("area", np.int32)):
        assert getattr(again, name).dtype == dtype
        np.testing.assert_array_equal(getattr(again, name), getattr(record, name))
    assert (again.shape, again.spacing_mm) == (record.shape, record.spacing_mm)


@pytest.mark.parametrize("change", [{"box": [1, 2, 3]}, {"side": None}, {"unknown": 1}])
def test_what_is_no_record_is_refused(change: dict[str, object]) -> None:
    values = scan_of("a" * 16, "covid")[0].to_json()
    with pytest.raises((TypeError, KeyError, ValueError)):
        ScanRecord.from_json({**values, **change})


def test_pseudonyms_are_hmac_sha256() -> None:
    digest = hmac.new(b"k" * 32, b"6:series5:1.2.37:patient", hashlib.sha256).digest()
    assert NAMES.key("1.2.3", "patient") == digest.hex()[:16]
    digest = hmac.new(b"k" * 32, b"7:patient7:patient", hashlib.sha256).digest()
    assert NAMES.fold("patient") == int.from_bytes(digest[:6], "big") / 2**48
    assert NAMES.key("1.2", "3") != NAMES.key("1.", "23")
    assert NAMES.source("a") != NAMES.source("b")


def test_folds_are_spread_evenly() -> None:
    folds = np.array([NAMES.fold(str(number)) for number in range(4000)])
    counts, _ = np.histogram(folds, bins=10, range=(0, 1))
    assert counts.sum() == 4000
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400)
