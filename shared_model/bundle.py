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
OTHER_PROTOCOL = "protocol-is-"
"""The code of a refusal starts so, and ends with the protocol of who refuses."""

_MOST_PROTOCOLS = 200

_PROJECT = f"""\
[project]
name = "pneumofed"
version = "NUMBER.0.0"
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

    Raises PneumofedError `protocol-is-` and the installed one for the bundle of another protocol, else
    `bundle-refused`.
    """
    if content == BUNDLE and sha256 == BUNDLE_SHA256:
        return
    number = _protocol_of(content, sha256)
    if number is not None:
        raise PneumofedError(f"{OTHER_PROTOCOL}{PROTOCOL}", other_protocol(PROTOCOL, number))
    raise PneumofedError(REFUSED, "the run brings another bundle than the one installed here")


def other_protocol(hospital: int, coordinator: int) -> str:
    """What is wrong between parties of two protocols, and what to do."""
    behind = "the hospital" if hospital < coordinator else "the coordinator"
    return (
        f"the hospital speaks protocol {hospital}, the coordinator protocol {coordinator}: upgrade {behind} "
        "(docs/upgrading.md)"
    )


def _protocol_of(content: bytes, sha256: str) -> int | None:
    """The protocol whose bundle this is; None if it is none of ours."""
    if hashlib.sha256(content).hexdigest() != sha256 or len(content) > 2 * len(BUNDLE):
        return None
    return next((number for number in range(1, _MOST_PROTOCOLS) if _bundle(number) == content), None)


def _bundle(protocol: int) -> bytes:
    """A ZIP file of the project and Flower's list of contents; not compressed, the same everywhere."""
    project = _PROJECT.replace("NUMBER", str(protocol)).encode()
    listed = f"pyproject.toml,{hashlib.sha256(project).hexdigest()},{8 * len(project)}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in {"pyproject.toml": project, ".info/CONTENT": listed.encode()}.items():
            entry = zipfile.ZipInfo(name)  # with ZIP's earliest date
            entry.create_system = 3
            bundle.writestr(entry, content)
    return buffer.getvalue()


BUNDLE = _bundle(PROTOCOL)
BUNDLE_SHA256 = hashlib.sha256(BUNDLE).hexdigest()
