"""The locks, and the parts of the offline kit that need no index."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from deploy.release.sbom import Component
from deploy.release.wheels import BUILD_LOCK, FOR_GPU, RUN_LOCK, locked, requirements
from tests.support.processes import ROOT

DEV_LOCK = "dev.txt"


def versions(text: str) -> dict[str, str]:
    """Normalised name -> version, of requirements or constraints."""
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {normal(name): version for name, version in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extra: str | None = None) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    yield from (normal(re.split(r"[^\w.-]", line)[0]) for line in lines)


@pytest.mark.parametrize("lock", [RUN_LOCK, BUILD_LOCK, DEV_LOCK])
def test_every_requirement_has_a_version_and_hashes_and_no_address(lock: str) -> None:
    for entry in re.split(r"\n(?=[A-Za-z0-9])", locked(lock).strip()):
        first, *hashes = entry.split("\\\n")
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*==[\w.+!]+( ; .+)? ", first), first
        assert hashes and all(
            re.fullmatch(r"    --hash=sha256:[0-9a-f]{64} ?", one.rstrip("\n")) for one in hashes
        )


def test_locks_hold_what_is_declared_at_the_versions_tested() -> None:
    constraints = versions((ROOT / "constraints.txt").read_text())
    for lock, names in (
        (RUN_LOCK, [*declared(), *declared("pacs")]),
        (DEV_LOCK, [*declared(), *declared("dev")]),
    ):
        found = versions(locked(lock))
        assert set(names) <= set(found)
        assert {name: found[name] for name in found.keys() & constraints} == {
            name: constraints[name] for name in found.keys() & constraints
        }
    assert {"hatchling", "pip"} <= set(versions(locked(BUILD_LOCK)))


def test_without_a_gpu_torch_and_what_it_brings_are_left_out() -> None:
    whole, less = versions(locked(RUN_LOCK)), versions(locked(RUN_LOCK, FOR_GPU))
    gone = whole.keys() - less.keys()
    assert {"torch", "torchvision", "triton", "nvidia-cudnn-cu13", "cuda-toolkit"} <= gone
    assert "numpy" in less and all(
        name.split("-")[0] in ("torch", "torchvision", "triton", "nvidia", "cuda") for name in gone
    )


def test_a_kits_requirements_are_exact() -> None:
    found = [
        Component("b", "2+cpu", "pkg:pypi/b", sha256="0a"),
        Component("A", "1", "pkg:pypi/a", sha256="0b"),
    ]
    assert requirements(found) == "A==1 --hash=sha256:0b\nb==2+cpu --hash=sha256:0a\n"
