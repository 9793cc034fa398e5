"""A diagnosis as a folder of files."""

import json
from pathlib import Path
from typing import Any

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.diagnosis_json import diagnosis_document
from client.diagnosis.slice_pictures import pictures
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

DOCUMENT = "diagnosis.json"


def write_diagnosis(diagnosis: Diagnosis, out: Path) -> dict[str, Any]:
    """Write diagnosis.json and the pictures into `out`, and return the document.

    An earlier diagnosis there is replaced, other files are kept. The document is removed first and written
    last, so that it never describes other pictures than those beside it. Raises OSError of the file system,
    after removing what this call has written.
    """
    document = diagnosis_document(diagnosis)
    files = pictures(diagnosis)
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


def check_output_folder(out: Path) -> None:
    """Raises PneumofedError `out-is-a-file`; called before any work is done."""
    if out.exists() and not out.is_dir():
        raise PneumofedError("out-is-a-file", f"{out}: is a file; name a folder to write into")
