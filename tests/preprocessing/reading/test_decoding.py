"""A decoder that crashes, hangs or asks for memory costs its file, and the next frame is read."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from preprocessing.reading import decoding
from preprocessing.reading.decoding import decode_apart
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.series import find_series
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import compress, edit, load, one_frame

HU, _ = chest(10, 32)


def compressed(folder: Path) -> list[Path]:
    paths = write_series(folder, HU)
    edit(paths, lambda data: compress(data, RLELossless))
    return paths


def worker_pid() -> int:
    return decoding._decoder[0]._process.pid


def test_a_killed_decoder_costs_one_frame(tmp_path: Path) -> None:
    paths = compressed(tmp_path)
    plain = one_frame(paths[0])
    os.kill(worker_pid(), signal.SIGKILL)
    with pytest.raises(FileRefusedError) as refusal:
        one_frame(paths[0])
    assert refusal.value.code == "unreadable-pixels"
    np.testing.assert_array_equal(one_frame(paths[0]), plain)
    np.testing.assert_array_equal(load(tmp_path)[0], HU)


def test_a_decoder_that_hangs_is_ended(tmp_path: Path) -> None:
    path = compressed(tmp_path)[0]
    one_frame(path)
    first = worker_pid()
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(FileRefusedError):
        decode_apart(bytes(1 << 20), str(RLELossless), 32, 32, 16, False, limit_s=0.2)
    one_frame(path)
    assert worker_pid() != first


def test_a_refusal_of_the_decoder_keeps_its_code_and_detail(tmp_path: Path) -> None:
    data = dcmread(compressed(tmp_path)[0])
    with pytest.raises(FileRefusedError) as refusal:
        decode_apart(data.PixelData, "1.2.840.10008.1.2.4.90", 32, 32, 16, False)
    assert refusal.value.code == "unreadable-pixels" and "no image" in refusal.value.reason


def test_a_forked_process_has_a_decoder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = compressed(tmp_path)[0]
    one_frame(path)
    first = decoding._decoder[0]
    monkeypatch.setattr(first, "owner", -1)
    one_frame(path)
    assert decoding._decoder[0] is not first
    first.end()
    assert find_series(tmp_path).accepted
