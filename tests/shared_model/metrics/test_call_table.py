"""The three-class table: counting, adding, refusing."""

from typing import Any

import pytest
from sklearn.metrics import confusion_matrix

from shared_model.metrics.call_table import CallTable

TRUTH = ["healthy", "healthy", "covid", "covid", "covid", "healthy"]
CALLED = ["healthy", "other", "covid", "other", "healthy", "healthy"]


def test_it_is_scikit_learns_confusion_matrix() -> None:
    table = CallTable()
    for label in ("healthy", "covid"):
        called = [c for t, c in zip(TRUTH, CALLED, strict=True) if t == label]
        table = table.merge(CallTable.of(label, called))
    labels = ("healthy", "covid", "other")
    expected = confusion_matrix(TRUTH, CALLED, labels=labels).tolist()
    assert [[table.count(t, c) for c in labels] for t in labels] == expected
    assert [table.total(label) for label in labels] == [3, 3, 0]
    assert set(table.counts) == {"healthy", "covid"}  # nobody told of `other`: not the same as none
    assert CallTable.from_json(table.counts) == table


@pytest.mark.parametrize(
    "document",
    [{"x": {"healthy": 1, "covid": 0, "other": 0}}, {"covid": {"covid": 1}},
     {"covid": {"healthy": 1, "covid": 0, "other": -1}}, {"covid": {"healthy": 1, "covid": 0, "other": True}},
     {"covid": {"healthy": 1, "covid": 0, "other": 0.5}},
     {"covid": {"healthy": 1, "covid": 0, "other": 0, "x": 0}}],
)  # fmt: skip
def test_a_malformed_table_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        CallTable.from_json(document)
