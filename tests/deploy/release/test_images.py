"""How images are built, with stand-ins for podman and mmdebstrap."""

import json
from pathlib import Path

import pytest

from deploy.release import images
from deploy.release.images import NAMES, SBOM, Engine, make_images
from shared_model.errors import PneumofedError
from shared_model.signature import SUMS
from shared_model.versions import package_version

# Notes what it is asked, and what it sees of the folder that it builds from.
PODMAN = """#!/usr/bin/python3
import json, os, sys
here = os.path.dirname(__file__)
words = sys.argv[1:]
seen = sorted(os.listdir(words[-1])) if words[0] == "build" else []
with open(here + "/asked", "a") as file:
    file.write(json.dumps([words, seen]) + "\\n")
if words[0] == "save":
    open(words[2], "w").write(words[3])
if words[0] == "run":
    print("the bill")
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "podman").write_text(PODMAN)
    (folder / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(images, "make_system", lambda path, extra: path.write_text(" ".join(extra)))
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / f"pneumofed-{package_version()}-py3-none-any.whl").touch()
    (folder / "numpy-2.whl").touch()
    return folder


def test_each_image_is_built_without_a_network_and_written_with_its_bill(
    programs: Path, wheels: Path, tmp_path: Path
) -> None:
    made = make_images(wheels, tmp_path / "out", Engine.find(None), lambda line: None)
    version = package_version()
    assert [path.name for path in made] == [f"pneumofed-{name}-{version}.tar" for name in NAMES]
    asked = [json.loads(line) for line in (programs / "asked").read_text().splitlines()]
    builds = {
        words[words.index("--target") + 1]: (words, seen) for words, seen in asked if words[0] == "build"
    }
    assert set(builds) == set(NAMES)
    for name, (words, seen) in builds.items():
        assert words[words.index("--network") + 1] == "none" and f"LIST={name}" in words
        assert {"Dockerfile", "node.txt", "wheels", "hospital.tar", "coordinator.tar"} <= set(seen)
    assert "SYSTEM=coordinator.tar" in builds["coordinator"][0] and "SYSTEM=hospital.tar" in builds["node"][0]
    assert all(words[-1] == SBOM for words, _ in asked if words[0] == "run")
    assert (tmp_path / "out" / f"pneumofed-node-{version}.cdx.json").read_text() == "the bill\n"
    listed = {line.split("  ")[1] for line in (tmp_path / "out" / SUMS).read_text().splitlines()}
    assert listed == {path.name for path in (tmp_path / "out").iterdir()} - {SUMS} and len(listed) == 8


def test_what_is_missing_is_named(programs: Path, wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(PneumofedError, match="no wheel of pneumofed"):
        make_images(tmp_path, tmp_path / "out", Engine("podman"), print)
    (programs / "podman").write_text("#!/bin/sh\necho 'Error: no space' >&2\nexit 125\n")
    with pytest.raises(PneumofedError, match="podman build failed: Error: no space") as caught:
        make_images(wheels, tmp_path / "out", Engine("podman"), lambda line: None, ("node",))
    assert caught.value.code == "image-failed"
    (programs / "podman").unlink()
    with pytest.raises(PneumofedError, match="neither podman nor docker"):
        Engine.find(None)
