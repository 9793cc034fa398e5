"""From the folder of one study to a folder of results."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from client.diagnosis.diagnose import LoadedModel, diagnose, preprocessing_of
from client.diagnosis.diagnosis_output import check_output_folder, write_diagnosis
from client.diagnosis.diagnosis_step import OnStep
from client.diagnosis.dicom_results.source_images import read_source_images
from client.diagnosis.study_files import files_digest
from client.learning.device_choice import choose_device
from preprocessing.reading.series_selection import select_series
from preprocessing.reading.volume import load_volume
from shared_model.saved_model import load_model
from shared_model.signature import check_folder


def load_for_diagnosis(model: Path, device: str = "auto", public_key: Path | None = None) -> LoadedModel:
    """The model in the folder `model`, on the device (see `choose_device`), for this version's preprocessing.

    public_key: of who must have signed the folder (shared_model/signature.py); None: nobody. Raises
    PneumofedError `no-device`, `model-missing`, `model-damaged`, `preprocessing-mismatch`,
    `architecture-mismatch`, `signature-missing`, `signature-wrong`, `key-unusable`.
    """
    chosen = choose_device(device)
    if public_key is not None:
        check_folder(model, public_key)
    weights, card = load_model(model)
    preprocessing_of(card)  # refuses before a scan is read
    return LoadedModel.from_weights(weights, card, chosen)


def diagnose_folder(
    folder: Path,
    model: LoadedModel,
    out: Path,
    *,
    dicom: bool = False,
    viewing: bool = False,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Diagnose the best CT series of the study in `folder`, write `out`, return diagnosis.json's document.

    dicom: write DICOM results as well; viewing: and viewing.zip. on_step: is told of each step. Nothing is
    written unless all went well. Raises PneumofedError: `no-series`, `several-studies`, `no-lungs`,
    `no-background`, `unreadable-pixels`, `dicom-source`, `out-is-a-file`; OSError if `out` cannot be written.
    """
    check_output_folder(out)
    digest = files_digest(folder)
    started = time.perf_counter()
    progress = partial(on_step, "headers") if on_step is not None else None
    series = select_series(folder, progress=progress).required()
    source = read_source_images(series) if dicom else None
    seconds = {"read_headers_s": time.perf_counter() - started}
    diagnosis = diagnose(series, model, on_step=on_step)
    seconds |= diagnosis.seconds
    if on_step is not None:
        on_step("results", 0, 1)
    diagnosis = replace(diagnosis, seconds=seconds, files_sha256=digest)
    # Read again: while the networks run, their memory is needed.
    hu = load_volume(series).hu if viewing else None
    return write_diagnosis(diagnosis, out, source=source, hu=hu)
