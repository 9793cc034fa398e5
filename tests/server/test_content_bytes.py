"""Bytes of a message, counted by hand."""

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from server.content_bytes import content_bytes


def test_arrays_and_texts_are_counted_and_numbers_are_not() -> None:
    packed = Array("uint8", (3,), "safetensors", b"abc")
    content = RecordDict({
        "weights": ArrayRecord({"weights": packed}),
        "task": ConfigRecord({"proposal": "p" * 40, "raw": b"12345", "round": 3, "tasks": ["a"], "no": ""}),
        "loss": MetricRecord({"diseased": 0.5}),
    })  # fmt: skip
    assert content_bytes(content) == 3 + 40 + 5
    assert content_bytes(RecordDict()) == 0
    whole = RecordDict({"weights": ArrayRecord({"a": Array(np.zeros(1000, np.float32))})})
    assert 4000 <= content_bytes(whole) < 4200
