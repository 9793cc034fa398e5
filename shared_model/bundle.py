"""The bundle that Flower wants with every run: fixed and without code.

Flower carries a bundle with a run and would install it where the run's app starts. Hospitals and coordinator
run what they have installed themselves, and refuse every bundle but this (docs/decisions/0101).
"""

import hashlib
import io
import zipfile

from shared_model.errors import PneumofedError
from shared_model.protocol import PROTOCOL

SETTINGS = "settings"
"""The one entry of Flower's run configuration: the coordinator's settings of the run, as JSON."""

REFUSED = "bundle-refused"

_PROJECT = f"""\
[project]
name = "pneumofed"
version = "{PROTOCOL}.0.0"
description = "No code: the number of a protocol, and what each party has installed itself."
license = "Apache-2.0"

[tool.flwr.app]
publisher = "pneumofed"

[tool.flwr.app.components]
serverapp = "server.app:app"
clientapp = "client.node.deployed:app"

[tool.flwr.app.config]
{SETTINGS} = ""
"""


def check_bundle(content: bytes, sha256: str) -> None:
    """Check that a run's bundle, announced by its hash `sha256`, is the one of this version.

    Raises PneumofedError `bundle-refused`.
    """
    if content != BUNDLE or sha256 != BUNDLE_SHA256:
        raise PneumofedError(
            REFUSED, "the run brings another bundle than the one installed here; both sides need one protocol"
        )


def _bundle() -> bytes:
    """A ZIP file of the project and Flower's list of contents; not compressed, the same everywhere."""
    project = _PROJECT.encode()
    listed = f"pyproject.toml,{hashlib.sha256(project).hexdigest()},{8 * len(project)}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in {"pyproject.toml": project, ".info/CONTENT": listed.encode()}.items():
            entry = zipfile.ZipInfo(name)  # with ZIP's earliest date
            entry.create_system = 3
            bundle.writestr(entry, content)
    return buffer.getvalue()


BUNDLE = _bundle()
BUNDLE_SHA256 = hashlib.sha256(BUNDLE).hexdigest()
