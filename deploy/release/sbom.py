"""Bills of materials as CycloneDX 1.6 JSON (ECMA-424): of a folder of wheels, or of what is installed."""

import json
import re
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.signature import sha256

DPKG_STATUS = Path("/var/lib/dpkg/status")
_LICENSE_TEXT = 80  # characters; packages put whole licences where a name belongs


@dataclass(frozen=True)
class Component:
    """A package. purl: its package URL; license: as it names it; sha256: of its file, if that is known."""

    name: str
    version: str
    purl: str
    license: str | None = None
    is_spdx: bool = False
    sha256: str | None = None


def wheel_components(folder: Path) -> Iterator[Component]:
    """Of each wheel in `folder`, with its SHA-256. Raises PneumofedError `wheels-missing`."""
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise PneumofedError("wheels-missing", f"{folder} has no wheels; see `pneumofed release wheels`")
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            (name,) = (n for n in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
            metadata = HeaderParser().parsestr(wheel.read(name).decode())
        yield _python(metadata, sha256(path))


def installed_components() -> Iterator[Component]:
    """Of each Python distribution that this Python finds."""
    for distribution in distributions():
        yield _python(HeaderParser().parsestr(distribution.read_text("METADATA") or ""), None)


def debian_components(status: Path = DPKG_STATUS) -> Iterator[Component]:
    """Of each installed Debian package. Raises PneumofedError `no-debian` where there is no list of them."""
    try:
        text = status.read_text()
    except OSError:
        raise PneumofedError("no-debian", f"{status} cannot be read: this is no Debian system") from None
    for entry in text.strip().split("\n\n"):
        package = HeaderParser().parsestr(entry)
        if package["Status"] == "install ok installed":
            name, version, arch = (str(package[key]) for key in ("Package", "Version", "Architecture"))
            yield Component(name, version, f"pkg:deb/debian/{name}@{_quoted(version)}?arch={arch}")


def bill(name: str, version: str, components: Iterable[Component]) -> dict[str, Any]:
    """The document, of `name`. It holds no time: the same software gives the same document."""
    listed = [_entry(one) for one in sorted(set(components), key=lambda one: one.purl)]
    content = repr((name, version, listed))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": name, "version": version}},
        "components": listed,
    }


def write_bill(path: Path, document: dict[str, Any]) -> None:
    """As a file."""
    write_atomically(path, (json.dumps(document, indent=1) + "\n").encode())


def _python(metadata: Message, digest: str | None) -> Component:
    name, version = str(metadata["Name"]), str(metadata["Version"])
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{_quoted(version)}"
    expression, text = metadata["License-Expression"], str(metadata["License"] or "").strip()
    if expression is not None:
        return Component(name, version, purl, str(expression), is_spdx=True, sha256=digest)
    return Component(name, version, purl, text.split("\n")[0][:_LICENSE_TEXT] or None, sha256=digest)


def _quoted(version: str) -> str:
    return quote(version, safe=":~")  # as the package URL's specification wants it


def _entry(one: Component) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "library", "bom-ref": one.purl, "name": one.name, "version": one.version}
    entry["purl"] = one.purl
    if one.license is not None:
        named = {"expression": one.license} if one.is_spdx else {"license": {"name": one.license}}
        entry["licenses"] = [named]
    if one.sha256 is not None:
        entry["hashes"] = [{"alg": "SHA-256", "content": one.sha256}]
    return entry
