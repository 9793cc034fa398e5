"""The images of node, trainer, coordinator and PACS side, built from a kit's wheels and Debian's packages.

OUT/pneumofed-NAME-VERSION.tar        for `docker load` and `podman load`
OUT/pneumofed-NAME-VERSION.cdx.json   its bill of materials, also inside the image
OUT/SHA256SUMS
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.release.debian import make_system
from shared_model.errors import PneumofedError
from shared_model.signature import write_sums
from shared_model.versions import package_version

SYSTEM_OF = {
    "node": "hospital.tar",
    "trainer": "hospital.tar",
    "coordinator": "coordinator.tar",
    "pacs": "hospital.tar",
}
NAMES = tuple(SYSTEM_OF)
EXTRA: Mapping[str, Sequence[str]] = {
    "hospital.tar": (),
    "coordinator.tar": ("ca-certificates", "nginx-light"),
}
"""The images' systems, and what each has beside Python. Notices go to servers that other CAs vouch for."""
SBOM = "/usr/share/pneumofed/sbom.cdx.json"

Say = Callable[[str], object]


@dataclass(frozen=True)
class Engine:
    """podman or docker: both have these commands."""

    program: str

    @classmethod
    def find(cls, name: str | None) -> "Engine":
        """The one named, or the first that is installed. Raises PneumofedError `engine-missing`."""
        for program in ("podman", "docker") if name is None else (name,):
            if shutil.which(program):
                return cls(program)
        raise PneumofedError("engine-missing", "neither podman nor docker is installed; install one of them")

    def run(self, *arguments: str) -> bytes:
        """What it prints. Raises PneumofedError `image-failed`."""
        done = subprocess.run([self.program, *arguments], capture_output=True)
        if done.returncode:
            last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no output"])[-1]
            raise PneumofedError("image-failed", f"{self.program} {arguments[0]} failed: {last}")
        return done.stdout

    def build(self, name: str, tag: str, context: Path) -> None:
        """Build one stage of the Dockerfile without a network."""
        # Health checks are part of Docker's format alone. A layer a step takes podman three times as long.
        layout = ["--format", "docker", "--layers=false"] if self.program == "podman" else []
        values = {"LIST": name, "VERSION": package_version(), "SYSTEM": SYSTEM_OF[name]}
        self.run(
            *("build", *layout, "--network", "none", "--target", name, "--tag", tag),
            *(word for key, value in values.items() for word in ("--build-arg", f"{key}={value}")),
            *("--file", str(context / "Dockerfile"), str(context)),
        )


def make_images(
    wheels: Path, out: Path, engine: Engine, say: Say, names: Sequence[str] = NAMES
) -> list[Path]:
    """Build the images, and write them to `out`; returns the paths of their files.

    Raises PneumofedError `wheels-missing`, `image-failed`, and as `make_system` does.
    """
    if not any(wheels.glob(f"pneumofed-{package_version()}-*.whl")):
        raise PneumofedError(
            "wheels-missing",
            f"{wheels} has no wheel of pneumofed {package_version()}; see `pneumofed release wheels`",
        )
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as work:
        context = Path(work)
        _fill(context, wheels)
        for system in sorted({SYSTEM_OF[name] for name in names}):
            say(f"Debian's packages: {system}")
            make_system(context / system, EXTRA[system])
        made = [_make_image(name, context, out, engine, say) for name in names]
    write_sums(out)
    return made


def _make_image(name: str, context: Path, out: Path, engine: Engine, say: Say) -> Path:
    tag, path = f"pneumofed-{name}:{package_version()}", out / f"pneumofed-{name}-{package_version()}.tar"
    say(f"{name}: building")
    engine.build(name, tag, context)
    say(f"{name}: writing {path.name}")
    path.unlink(missing_ok=True)
    engine.run("save", "--output", str(path), tag)
    bill = engine.run("run", "--rm", "--network", "none", "--entrypoint", "cat", tag, SBOM)
    path.with_suffix(".cdx.json").write_bytes(bill)
    return path


def _fill(context: Path, wheels: Path) -> None:
    """Put the Dockerfile, the images' lists and the wheels into the build's folder."""
    for file in ("Dockerfile", *(f"{name}.txt" for name in NAMES)):
        (context / file).write_bytes((resources.files("deploy") / "images" / file).read_bytes())
    (context / "wheels").mkdir()
    for wheel in wheels.glob("*.whl"):
        _link(wheel, context / "wheels" / wheel.name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
