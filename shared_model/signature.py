"""Signed folders: SHA256SUMS lists every file's SHA-256, SHA256SUMS.sig is its Ed25519 signature (RFC 8032).

Both can be checked without pneumofed: `sha256sum -c SHA256SUMS`, and `openssl pkeyutl -verify -pubin -inkey
KEY.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig`.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"


def make_key(path: Path) -> Path:
    """A new private key at `path`, and its public key beside it, .pub, whose path is returned; both PEM.

    Raises PneumofedError `key-exists` rather than replace a key.
    """
    public = path.with_suffix(".pub")
    if path.exists() or public.exists():
        raise PneumofedError("key-exists", f"{path} or {public.name} is there already; name another file")
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_atomically(path, pem, mode=0o600)
    write_atomically(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def sign_file(path: Path, key: Path) -> None:
    """Write the signature of the file `path` by the private key in the file `key` beside it, .sig.

    Raises PneumofedError `key-unusable`.
    """
    write_atomically(signature_of(path), _private(key).sign(path.read_bytes()))


def sign_folder(folder: Path, key: Path) -> None:
    """Write SHA256SUMS of all files in `folder` and below, and its signature. Raises as `sign_file`."""
    write_sums(folder)
    sign_file(folder / SUMS, key)


def check_file(path: Path, key: Path) -> bytes:
    """The content of the file `path`, if the public key in the file `key` verifies the signature beside it.

    Raises PneumofedError `signature-missing`, `signature-wrong`, `key-unusable`.
    """
    public, signature = _public(key), signature_of(path)
    try:
        content, signed = path.read_bytes(), signature.read_bytes()
    except FileNotFoundError:
        raise PneumofedError(
            "signature-missing",
            f"{path} or {signature.name} is not there, and a public key is configured; get what is signed",
        ) from None
    try:
        public.verify(signed, content)
    except InvalidSignature:
        raise PneumofedError(
            "signature-wrong",
            f"{path} was not signed with the key of {key.name}; do not use it, ask its source",
        ) from None
    return content


def check_folder(folder: Path, key: Path) -> None:
    """Whether `folder` holds exactly the files that were signed, with their content.

    Raises PneumofedError as `check_file`, and `signature-wrong` with what differs.
    """
    check_content(folder, read_sums(check_file(folder / SUMS, key)), sums_of(folder))


def check_content(folder: Path, signed: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Raises PneumofedError `signature-wrong` if the sums of the files found are not those signed."""
    differ = sorted(name for name in {*signed, *found} if signed.get(name) != found.get(name))
    if differ:
        raise PneumofedError(
            "signature-wrong",
            f"{folder}: {len(differ)} files are missing, added or changed since it was signed, first "
            f"{differ[0]!r}; do not use it, ask its source",
        )


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS of all files in `folder` and below, as the program sha256sum does."""
    write_atomically(folder / SUMS, sums_text(sums_of(folder)))


def sums_of(folder: Path) -> dict[str, str]:
    """SHA-256 as hex digits of each file in `folder` and below, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256(path) for name, path in found.items() if name not in (SUMS, SIGNATURE)}


def sha256(path: Path) -> str:
    """Of a file, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums_text(sums: Mapping[str, str]) -> bytes:
    """In the format of the program sha256sum."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def read_sums(content: bytes) -> dict[str, str]:
    """What `sums_text` wrote. Raises PneumofedError `signature-wrong` for anything else."""
    lines = [line.split("  ", 1) for line in content.decode(errors="replace").splitlines()]
    if any(len(line) != 2 for line in lines):
        raise PneumofedError("signature-wrong", f"{SUMS} cannot be read; get what is signed again")
    return {name: digest for digest, name in lines}


def signature_of(path: Path) -> Path:
    """Where the signature of a file is."""
    return path.with_name(f"{path.name}.sig")


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "private")
    return key


def _public(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path, "public")
    return key


def _unusable(path: Path, kind: str) -> PneumofedError:
    return PneumofedError(
        "key-unusable", f"{path} is no {kind} Ed25519 key in PEM; see `pneumofed release key`"
    )
