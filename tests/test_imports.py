"""Imports run one way (docs/architecture.md): what a package cannot import, it cannot do."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.rooms import ROOMS

ROOT = Path(__file__).resolve().parents[1]
OURS = ("preprocessing", "shared_model", "client", "server", "deploy")

# What each package may import of ours. The server's row is the promise that it cannot read patient data.
MAY_IMPORT = {
    "preprocessing": (
        "preprocessing",
        *(f"shared_model.{name}" for name in ("constants", "errors", "file_lock", "files", "progress")),
    ),
    "shared_model": ("shared_model",),
    "client": ("client", "preprocessing", "shared_model"),
    "server": ("server", "shared_model"),
    "deploy": OURS,
}

# What a part must not load from others, not even through a third module.
MUST_NOT_LOAD = {
    "client.node": ("torch", "safetensors", "pydicom", "preprocessing", "sqlalchemy", "uvicorn"),
    "client.trainer": ("torch", "flwr", "fastapi", "starlette"),
    **{
        f"client.pacs.{network}": ("torch", "flwr", "highdicom")
        for network in ("listen", "fetch", "delivery", "delivery_record")
    },
    "client.learning": ("flwr", "opacus"),  # Opacus takes seconds to load
    "client.privacy.ledger": ("torch",),
    "preprocessing": ("torch", "flwr"),
    "client.reading_room": ("torch", "flwr", "pynetdicom", "fastapi", "scipy", "matplotlib", "highdicom"),
    "deploy.pages.reading": ("torch", "flwr", "pynetdicom", "scipy", "matplotlib", "highdicom", "server"),
    "deploy.pages.hospital": ("torch", "flwr", "pydicom", "preprocessing", "server"),
    "shared_model": ("flwr", "pydicom", "preprocessing"),
    "server": ("torch", "pydicom", "preprocessing", "client", "sqlalchemy", "uvicorn"),
}


def imports_of(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """Full dotted names that `source`, the text of `module`, imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")
            above = parents[: len(parents) - node.level + is_package] if node.level else []
            base = ".".join(above + ([node.module] if node.module else []))
            yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names)


def is_within(name: str, parts: tuple[str, ...]) -> bool:
    return any(name == part or name.startswith(part + ".") for part in parts)


def modules(package: str) -> list[tuple[str, Path]]:
    """All modules of a package or single module: dotted name and file."""
    folder = ROOT.joinpath(*package.split("."))
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    return [(".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), f) for f in files]


def all_imports(package: str) -> list[tuple[str, str]]:
    """(module, imported name) for everything that a package imports."""
    return [
        (module, name)
        for module, file in modules(package)
        for name in imports_of(file.read_text(), module, is_package=file.name == "__init__.py")
    ]


@pytest.mark.parametrize("package", OURS)
def test_imports_run_one_way(package: str) -> None:
    wrong = [
        f"{module} imports {name}"
        for module, name in all_imports(package)
        if is_within(name, OURS) and not is_within(name, MAY_IMPORT[package])
    ]
    assert not wrong, wrong


def rooms_of(package: str) -> dict[str, int]:
    """The floor of each room, from 0 at the top."""
    return {room: floor for floor, rooms in enumerate(ROOMS[package]) for room in rooms.split()}


def room_of(name: str) -> str:
    """The second part of a dotted name: the room that a module or what it defines is in."""
    return name.split(".")[1]


@pytest.mark.parametrize("package", OURS)
def test_every_module_is_in_a_room(package: str) -> None:
    found = {room_of(module) for module, _ in modules(package) if module != package}
    assert found == set(rooms_of(package))


@pytest.mark.parametrize("package", OURS)
def test_no_module_imports_from_its_own_floor_or_above(package: str) -> None:
    floors = rooms_of(package)
    upward = [
        f"{module} imports {name}"
        for module, name in all_imports(package)
        if name.startswith(f"{package}.") and module != package
        and room_of(name) != room_of(module)
        and floors[room_of(name)] <= floors[room_of(module)]
    ]  # fmt: skip
    assert not upward, upward


@pytest.mark.parametrize("part", MUST_NOT_LOAD)
def test_a_part_does_not_load_what_it_must_not(part: str) -> None:
    names = [name for name, _ in modules(part) if not name.endswith("__main__")]
    blocked = MUST_NOT_LOAD[part]
    script = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set({blocked!r}) & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


def test_everything_imported_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {_normal(re.split(r"[^\w.-]", line)[0]) for group in groups for line in group}
    distributions = packages_distributions()
    undeclared = {
        f"{module} imports {top}"
        for package in OURS
        for module, name in all_imports(package)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names and top not in OURS
        and not {_normal(d) for d in distributions.get(top, [top])} & declared
    }  # fmt: skip
    assert not undeclared, undeclared


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_torchvision_belongs_to_this_torch() -> None:
    """A torch without its torchvision fails at import, or when an operator of its own is called."""
    import torch
    from torchvision.ops import nms

    kept = nms(torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1]]), torch.tensor([0.5, 0.9]), 0.5)
    assert kept.tolist() == [1]


@pytest.mark.parametrize(
    ("source", "module", "is_package", "expected"),
    [
        ("import a.b, c", "client.site", False, ["a.b", "c"]),
        ("def f():\n    from server import app", "client.site", False, ["server.app"]),
        ("from . import x", "client.site", False, ["client.x"]),
        ("from .node import x", "client", True, ["client.node.x"]),
        ("from ..site import x", "client.node.app", False, ["client.site.x"]),
        ("from ... import server", "client.node.app", False, ["server"]),
    ],
)
def test_imports_are_read_rightly(source: str, module: str, is_package: bool, expected: list[str]) -> None:
    assert list(imports_of(source, module, is_package=is_package)) == expected
