"""A ZIP for whoever helps: versions, settings, checks, audit head, log lines. Nothing of a patient."""

import io
import json
import platform
import zipfile
from importlib.metadata import version
from typing import Any

from client.control.documents import Overview, Records

LIBRARIES = ("pneumofed", "torch", "flwr", "grpcio", "numpy", "pydicom", "pydantic")
README = (
    "pneumofed: for whoever helps this hospital. It has no scan, name, identifier, date or path of one, no\n"
    "number of patients, no key and no row of the audit log. Read it before you send it.\n"
)


def support_bundle(overview: Overview, records: Records) -> bytes:
    """The ZIP file, of a few text files."""
    look = overview.look
    files: dict[str, Any] = {
        "versions.json": {
            **overview.versions,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "libraries": {name: version(name) for name in LIBRARIES},
        },
        "settings.json": {"name": overview.name, **overview.settings},
        "checks.json": None if look is None else [row.model_dump() for row in look.checks],
        "audit.json": overview.audit.model_dump(),
        "machine.json": overview.machine.model_dump(),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", README)
        for name, content in files.items():
            bundle.writestr(name, json.dumps(content, indent=1) + "\n")
        bundle.writestr("trainer.log", "".join(f"{line}\n" for line in reversed(records.lines)))
    return target.getvalue()
