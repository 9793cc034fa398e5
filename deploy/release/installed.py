"""Whether the code that runs here is what was released: a signed list of our packages' files."""

import zipfile
from hashlib import sha256 as digest
from pathlib import Path

import deploy
from client.hospital_settings import ReleaseSettings
from shared_model.signature import check_content, check_file, read_sums, sha256, sums_text

CODE_SUMS = "pneumofed.sums"
"""The list's name in a kit."""
PACKAGES = ("preprocessing", "shared_model", "client", "server", "deploy")
RUNNING = Path(deploy.__file__).parents[1]


def check_installed(release: ReleaseSettings | None, root: Path = RUNNING) -> None:
    """Whether our packages in `root` are what `release` lists and its key signed; None: nothing is checked.

    Bytecode is not looked at: Python makes it from what is. Raises PneumofedError as `check_file` does, and
    `signature-wrong` if a file is missing, added or changed.
    """
    if release is not None:
        signed = read_sums(check_file(release.sums, release.key))
        check_content(root, signed, _sums_of_code(root))


def wheel_code_sums(wheel: Path) -> bytes:
    """The list for what `wheel` installs."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.split("/")[0] in PACKAGES]
        return sums_text({name: digest(archive.read(name)).hexdigest() for name in names})


def _sums_of_code(root: Path) -> dict[str, str]:
    files = [path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file()]
    ours = [path for path in files if "__pycache__" not in path.parts]
    return {path.relative_to(root).as_posix(): sha256(path) for path in ours}
