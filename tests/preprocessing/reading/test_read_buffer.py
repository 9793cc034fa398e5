"""Reading through the buffer gives what reading the file gives."""

from io import BytesIO

import numpy as np

from preprocessing.reading.read_buffer import ReadBuffer


def test_any_place_and_length_is_what_the_stream_holds() -> None:
    rng = np.random.default_rng(0)
    content = rng.bytes(50_000)
    buffer = ReadBuffer(BytesIO(content))
    assert buffer.size == len(content)
    for place, length in rng.integers(0, (50_000, 30_000), (200, 2)).tolist():
        found, offset = buffer.at(place, length)
        assert found[offset : offset + length] == content[place : place + length]
