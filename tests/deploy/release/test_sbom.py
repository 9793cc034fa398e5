"""Bills of materials, read and validated by CycloneDX's own library."""

import json
import zipfile
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.release.sbom import bill, debian_components, installed_components, wheel_components
from shared_model.errors import PneumofedError

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u14
Description: GNU C Library
 with a second line

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1:1.3.4-1~x
"""


def read(document: dict) -> Bom:
    """As CycloneDX's library reads it, after its strict validation."""
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    assert errors is None, errors
    return Bom.from_json(document)


def write_wheel(folder: Path, name: str, version: str, lines: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{lines}\n"
        wheel.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
    return path


def test_what_is_installed_here_is_listed_whole() -> None:
    bom = read(bill("pneumofed", "1", installed_components()))
    here = {(one.metadata["Name"], one.version) for one in distributions()}
    assert {(one.name, one.version) for one in bom.components} == here
    assert all(one.purl.type == "pypi" and one.purl.version == one.version for one in bom.components)


def test_wheels_have_hashes_and_licences(tmp_path: Path) -> None:
    torch = write_wheel(tmp_path, "Torch_X", "2.0+cpu", "License-Expression: BSD-3-Clause")
    write_wheel(tmp_path, "other", "1", "License: My licence\n  of two lines")
    by_name = {one.name: one for one in read(bill("p", "1", wheel_components(tmp_path))).components}
    found = by_name["Torch_X"]
    assert (found.purl.name, found.purl.version) == ("torch-x", "2.0+cpu")
    assert [one.content for one in found.hashes] == [sha256(torch.read_bytes()).hexdigest()]
    assert [one.value for one in found.licenses] == ["BSD-3-Clause"]
    assert [one.name for one in by_name["other"].licenses] == ["My licence"]


def test_debians_packages_are_those_installed(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(STATUS)
    bom = read(bill("p", "1", debian_components(tmp_path / "status")))
    assert {(one.name, one.version) for one in bom.components} == {
        ("libc6", "2.36-9+deb12u14"),
        ("mawk", "1:1.3.4-1~x"),
    }
    assert {one.purl.qualifiers["arch"] for one in bom.components} == {"amd64"}
    with pytest.raises(PneumofedError, match="no Debian"):
        list(debian_components(tmp_path / "none"))


def test_the_same_software_gives_the_same_document(tmp_path: Path) -> None:
    write_wheel(tmp_path, "one", "1", "")
    before = bill("p", "1", wheel_components(tmp_path))
    assert before == bill("p", "1", wheel_components(tmp_path))
    write_wheel(tmp_path, "two", "1", "")
    assert bill("p", "1", wheel_components(tmp_path))["serialNumber"] != before["serialNumber"]
    with pytest.raises(PneumofedError, match="no wheels"):
        list(wheel_components(tmp_path / "none"))
