"""The offline kit: wheels of pneumofed and all that it needs, of this system and Python, each with its hash.

OUT/wheels/            pneumofed, its dependencies as deploy/release/run.txt locks them, and pip
OUT/requirements.txt   the same by version and SHA-256, for `pip install --require-hashes`
OUT/pneumofed.sums     of the installed code, for `join` (deploy/release/installed.py)
OUT/sbom.cdx.json      the bill of materials
OUT/SHA256SUMS         of all of it
"""

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.release.installed import CODE_SUMS, wheel_code_sums
from deploy.release.sbom import Component, bill, wheel_components, write_bill
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.signature import write_sums
from shared_model.versions import package_version

RUN_LOCK, BUILD_LOCK = "run.txt", "build.txt"
FOR_GPU = re.compile(r"(torch|torchvision|triton|nvidia-.*|cuda-.*)==")

Say = Callable[[str], object]


def make_kit(source: Path, out: Path, say: Say, torch: Path | None = None) -> None:
    """Write the kit. source: pneumofed's source tree; torch: a wheel of torch that takes the place of the
    lock's torch, torchvision, Triton and CUDA packages, as one for machines without a GPU.

    Raises PneumofedError `kit-failed` with pip's last line, as for a hash that differs.
    """
    wheels = out / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as work:
        say("downloading what the lock names")
        wanted = Path(work) / "lock.txt"
        wanted.write_text(locked(RUN_LOCK, without=None if torch is None else FOR_GPU))
        (Path(work) / BUILD_LOCK).write_text(locked(BUILD_LOCK))
        _download(wanted, wheels)
        _download(_only(Path(work) / BUILD_LOCK, "pip"), wheels)
        if torch is not None:
            shutil.copy(torch, wheels)
        say("building pneumofed")
        _build(source, wheels, Path(work))
    _describe(out, list(wheel_components(wheels)))


def locked(name: str, without: re.Pattern[str] | None = None) -> str:
    """A lock's text: requirements with the hashes of their files; without: left out if the line begins so."""
    text = (resources.files("deploy") / "release" / name).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    return "".join(f"{entry}\n" for entry in entries if without is None or not without.match(entry))


def requirements(components: Iterable[Component]) -> str:
    """For pip: each of the kit's wheels by name, version and hash."""
    found = sorted(components, key=lambda one: one.name.lower())
    return "".join(f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in found)


def _describe(out: Path, components: list[Component]) -> None:
    write_atomically(out / "requirements.txt", requirements(components).encode())
    write_bill(out / "sbom.cdx.json", bill("pneumofed", package_version(), components))
    (own,) = (out / "wheels").glob("pneumofed-*.whl")
    write_atomically(out / CODE_SUMS, wheel_code_sums(own))
    write_sums(out)


def _only(lock: Path, name: str) -> Path:
    """A lock beside `lock` of the one package `name`."""
    path = lock.with_name(f"{name}.txt")
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())
    path.write_text("".join(f"{entry}\n" for entry in entries if entry.startswith(f"{name}==")))
    return path


def _download(lock: Path, wheels: Path) -> None:
    _pip(
        Path(sys.executable),
        "download",
        "--no-deps",
        "--only-binary=:all:",
        *_hashed(lock),
        "--dest",
        str(wheels),
    )


def _build(source: Path, wheels: Path, work: Path) -> None:
    """Build pneumofed's own wheel with the locked build requirements, in an environment of their own."""
    venv.create(work / "build", with_pip=True)
    python = work / "build" / "bin" / "python"
    _pip(python, "install", "--no-deps", "--only-binary=:all:", *_hashed(work / BUILD_LOCK))
    for old in wheels.glob("pneumofed-*.whl"):
        old.unlink()
    _pip(python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source))


def _hashed(lock: Path) -> list[str]:
    return ["--require-hashes", "--requirement", str(lock)]


def _pip(python: Path, *arguments: str) -> None:
    done = subprocess.run([python, "-m", "pip", "--quiet", *arguments], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise PneumofedError("kit-failed", f"pip {arguments[0]} failed: {last}")
