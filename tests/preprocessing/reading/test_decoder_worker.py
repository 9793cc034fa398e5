"""The worker answers each request with words or a refusal, and ends with its input."""

from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from preprocessing.reading.decoder_worker import serve
from preprocessing.reading.decoding import ANSWER, HEADER
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import compress, edit

HU, _ = chest(1, 32)


def request(data: bytes) -> bytes:
    return HEADER.pack(str(RLELossless).encode(), 32, 32, 16 << 1, len(data)) + data


def test_each_request_is_answered_in_turn(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    edit(paths, lambda data: compress(data, RLELossless))
    frame = get_frame(dcmread(paths[0]).PixelData, 0, number_of_frames=1)
    answers = BytesIO()
    serve(BytesIO(request(b"nothing") + request(frame)), answers)
    answers.seek(0)
    code, length = ANSWER.unpack(answers.read(ANSWER.size))
    assert code.rstrip(b"\0") == b"unreadable-pixels"
    answers.read(length)
    code, length = ANSWER.unpack(answers.read(ANSWER.size))
    assert (code.rstrip(b"\0"), length) == (b"", 2 * 32 * 32)
    words = np.frombuffer(answers.read(length), np.uint16).reshape(32, 32)
    np.testing.assert_array_equal(words.astype(np.int32) - 1024, HU[0])
