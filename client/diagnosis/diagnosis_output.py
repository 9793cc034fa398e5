"""A diagnosis as a folder of files.

    OUT/diagnosis.json    the result: client/diagnosis/document.py
    OUT/overview.png      the whole scan
    OUT/slice-01.png      the slice to look at first; the next are slice-02.png, slice-03.png
    OUT/attention.npz     attention of both networks: client/diagnosis/attention_file.py
    OUT/viewing.zip       if asked for, for the reading room: client/diagnosis/viewing_file.py
    OUT/dicom/            if asked for: client/diagnosis/dicom_results/dicom_files.py

None of it names the patient, except for the DICOM files.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.diagnosis.attention_file import ATTENTION, attention_npz
from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.dicom_results.source_images import SourceImages
from client.diagnosis.result_names import DICOM, DICOM_FILES, DOCUMENT, VIEWING
from client.diagnosis.slice_pictures import OVERVIEW, pictures
from client.diagnosis.viewing_output import write_viewing_file
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically


def write_diagnosis(
    diagnosis: Diagnosis,
    out: Path,
    *,
    source: SourceImages | None = None,
    hu: NDArray[np.int16] | None = None,
) -> dict[str, Any]:
    """Write diagnosis.json, the pictures and attention.npz into `out`, and return the document.

    source: what the scan was read from; if given, DICOM results are written as well. hu: int16 [slice, row,
    column] in the voxels of `diagnosis.scan`; if given, viewing.zip is. An earlier diagnosis
    there is replaced, other files are kept. The document is removed first and written last, so that it never
    describes other files than those beside it. Raises what `dicom_files` raises, before anything is written;
    OSError of the file system, after removing what this call has written.
    """
    document = diagnosis_document(diagnosis)
    drawn = pictures(diagnosis)
    files = {out / name: data for name, data in drawn.items()}
    files[out / ATTENTION] = attention_npz(diagnosis)
    if source is not None:
        # Imported here, as highdicom takes a second to import.
        from client.diagnosis.dicom_results.dicom_files import dicom_files

        found = dicom_files(diagnosis, source, drawn)
        files |= {out / DICOM / name: data for name, data in found.items()}
    files[out / DOCUMENT] = (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()
    out.mkdir(parents=True, exist_ok=True)
    remove_diagnosis(out)
    written: list[Path] = []
    try:
        if hu is not None:
            write_viewing_file(out / VIEWING, diagnosis, hu)
            written.append(out / VIEWING)
        for path, data in files.items():
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return document


def remove_diagnosis(out: Path) -> None:
    """Remove the files of an earlier diagnosis in `out`, the document first; other files are kept."""
    drawn = [out / OVERVIEW, *out.glob("slice-[0-9][0-9].png")]
    dicom = [out / DICOM / name for name in DICOM_FILES] + [*(out / DICOM).glob("picture-[0-9][0-9].dcm")]
    for path in (out / DOCUMENT, out / ATTENTION, out / VIEWING, *drawn, *dicom):
        path.unlink(missing_ok=True)


def has_dicom(out: Path) -> bool:
    """Whether the diagnosis in `out` was written with its DICOM results."""
    return all((out / DICOM / name).is_file() for name in DICOM_FILES)


def has_viewing_file(out: Path) -> bool:
    """Whether the diagnosis in `out` was written with its viewing.zip."""
    return (out / VIEWING).is_file()


def check_output_folder(out: Path) -> None:
    """Raises PneumofedError `out-is-a-file`; called before any work is done."""
    if out.exists() and not out.is_dir():
        raise PneumofedError("out-is-a-file", f"{out}: is a file; name a folder to write into")
