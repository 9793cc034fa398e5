"""A diagnosis as a folder of files.

    OUT/diagnosis.json    the result: client/diagnosis/document.py
    OUT/overview.png      the whole scan
    OUT/slice-01.png      the slice to look at first; the next are slice-02.png, slice-03.png
    OUT/attention.npz     attention of both networks: client/diagnosis/attention_file.py

None of it names the patient.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from client.diagnosis.attention_file import ATTENTION, attention_npz
from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.document import DiagnosisDocument
from client.diagnosis.slice_pictures import OVERVIEW, pictures
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

DOCUMENT = "diagnosis.json"


def write_diagnosis(diagnosis: Diagnosis, out: Path) -> dict[str, Any]:
    """Write diagnosis.json, the pictures and attention.npz into `out`, and return the document.

    An earlier diagnosis there is replaced, other files are kept. The document is removed first and written
    last, so that it never describes other pictures than those beside it. Raises OSError of the file system,
    after removing what this call has written.
    """
    document = diagnosis_document(diagnosis)
    files = pictures(diagnosis)
    files[ATTENTION] = attention_npz(diagnosis)
    files[DOCUMENT] = (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()
    out.mkdir(parents=True, exist_ok=True)
    (out / DOCUMENT).unlink(missing_ok=True)
    written: list[Path] = []
    try:
        for name, data in files.items():
            write_atomically(out / name, data)
            written.append(out / name)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return document


def read_diagnosis(out: Path) -> DiagnosisDocument | None:
    """The document of the diagnosis in `out`; None if there is none, or none of this version's format."""
    try:
        return DiagnosisDocument.model_validate_json((out / DOCUMENT).read_bytes())
    except (OSError, ValidationError):
        return None


def remove_diagnosis(out: Path) -> None:
    """Remove the files of an earlier diagnosis in `out`, the document first; other files are kept."""
    for path in (out / DOCUMENT, out / ATTENTION, out / OVERVIEW, *out.glob("slice-[0-9][0-9].png")):
        path.unlink(missing_ok=True)


def check_output_folder(out: Path) -> None:
    """Raises PneumofedError `out-is-a-file`; called before any work is done."""
    if out.exists() and not out.is_dir():
        raise PneumofedError("out-is-a-file", f"{out}: is a file; name a folder to write into")
