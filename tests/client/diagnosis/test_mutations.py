"""Diagnosis of scans with damaged bytes, in every kind of encoding: a result or a refusal in one line."""

from pathlib import Path

import numpy as np
import pytest

from client.diagnosis import diagnosis_output
from client.diagnosis.diagnose_folder import diagnose_folder, load_for_diagnosis
from shared_model.errors import PneumofedError
from shared_model.saved_model import save_model
from tests.support.diagnosed_scans import PATIENT, card, write_series
from tests.support.initial_weights import initial_weights
from tests.support.mutations import ENCODINGS, mutated


@pytest.mark.parametrize("count", [2, pytest.param(13, marks=pytest.mark.slow)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_result_or_a_refusal(
    tmp_path: Path, encoding: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_output, "pictures", lambda diagnosis: {})
    save_model(tmp_path / "model", initial_weights(card().study), card())
    model = load_for_diagnosis(tmp_path / "model", "cpu")
    scan = write_series(tmp_path / "scan")
    files = sorted(scan.iterdir())
    ENCODINGS[encoding](files)
    sound = diagnose_folder(scan, model, tmp_path / "out")
    rng = np.random.default_rng(count)
    for number in range(count):
        path, out = files[rng.integers(len(files))], tmp_path / f"out{number}"
        content = path.read_bytes()
        path.write_bytes(mutated(content, rng, 132, len(content)))
        try:
            document = diagnose_folder(scan, model, out)
            assert document.keys() == sound.keys()
        except PneumofedError as error:
            assert "\n" not in str(error) and not out.exists()
            assert not [word for word in PATIENT.values() if word in str(error)]
        path.write_bytes(content)
    again = diagnose_folder(scan, model, tmp_path / "again")
    changed = {"timing": None, "files_sha256": None}  # as the files were written again
    assert again | changed == sound | changed
