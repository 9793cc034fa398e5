"""`pneumofed diagnose`: from a folder of DICOM files and a model's folder to a folder of results."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from client.diagnosis.diagnose import diagnose
from client.diagnosis.diagnosis_output import check_output_folder, write_diagnosis
from client.learning.device_choice import choose_device
from preprocessing.reading.series_selection import select_series
from shared_model.progress import Progress
from shared_model.saved_model import load_model
from shared_model.signature import check_folder


def diagnose_folder(
    folder: Path,
    model: Path,
    out: Path,
    *,
    device: str = "auto",
    progress: Progress | None = None,
    public_key: Path | None = None,
) -> dict[str, Any]:
    """Diagnose the best CT series of the study in `folder`, write `out`, return diagnosis.json's document.

    device: as for `choose_device`. `progress` counts headers that are read, then lobes. public_key: of who
    must have signed the model's folder (shared_model/signature.py); None: nobody.

    Nothing is written unless all went well. Raises PneumofedError: `no-series`, `several-studies`,
    `model-missing`, `model-damaged`, `preprocessing-mismatch`, `architecture-mismatch`, `no-device`,
    `no-lungs`, `no-background`, `unreadable-pixels`, `out-is-a-file`, `signature-missing`, `signature-wrong`,
    `key-unusable`; OSError if `out` cannot be written.
    """
    check_output_folder(out)
    chosen = choose_device(device)
    if public_key is not None:
        check_folder(model, public_key)
    weights, card = load_model(model)
    started = time.perf_counter()
    series = select_series(folder, progress=progress).required()
    seconds = {"read_headers_s": time.perf_counter() - started}
    diagnosis = diagnose(series, weights, card, device=chosen, progress=progress)
    return write_diagnosis(replace(diagnosis, seconds=seconds | diagnosis.seconds), out)
