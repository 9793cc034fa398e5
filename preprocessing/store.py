"""LobeStore: the folder in which a hospital keeps its prepared scans.

    store.json            format, settings and their fingerprint
    secret.key            32 random bytes for the keyed hashes, mode 0600
    studies/KEY/study.json    geometry, label, sizes and checksums of the two arrays
    studies/KEY/images.b2nd   uint16 [lobe, 3, 256, 256]
    studies/KEY/labels.b2nd   uint8 [lobe, 2, 256, 256]: distance; bit 0 mask, bit 1 semi-infection

Each array is compressed in chunks of one lobe, so any lobe is read alone. A study's folder appears by one
rename: it is there whole or not at all. No name, UID, date or path of a scan is kept.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from preprocessing.lobe_files import LobeReader, encode_lobes
from preprocessing.settings import PreprocessingSettings
from preprocessing.study import LABELS, LobeArrays, Pseudonyms, Study
from shared_model.errors import PneumofedError
from shared_model.files import atomic_folder, write_atomically

__all__ = ["LABELS", "LobeArrays", "LobeStore", "Study"]

FORMAT = 1


class LobeStore:
    """A hospital's prepared scans. Reading is safe from many threads and from forked processes."""

    def __init__(self, path: Path, settings: PreprocessingSettings, pseudonyms: Pseudonyms) -> None:
        self.path, self.settings, self.pseudonyms = path, settings, pseudonyms
        self._reader = LobeReader()

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the PreprocessingSettings that the store was made with."""
        return self.settings.fingerprint

    @classmethod
    def create(cls, path: Path, settings: PreprocessingSettings) -> "LobeStore":
        """Make an empty store with a secret of its own. Raises `store-exists` where `path` is in use."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise PneumofedError("store-exists", "the store's folder is already in use; name another one")
        with atomic_folder(path) as folder:
            write_atomically(folder / "secret.key", secrets.token_bytes(32), mode=0o600)
            choices = settings.model_dump()
            record = {"format": FORMAT, "fingerprint": settings.fingerprint, "settings": choices}
            write_atomically(folder / "store.json", json.dumps(record, indent=1).encode())
            (folder / "studies").mkdir()
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "LobeStore":
        """Open a store. Raises `store-missing`, `store-version` or `store-damaged`."""
        try:
            record = json.loads((path / "store.json").read_bytes())
            secret = (path / "secret.key").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            reason = "there is no store here; make one with `pneumofed hospital prepare`"
            raise PneumofedError("store-missing", reason) from None
        except ValueError:
            raise PneumofedError("store-damaged", "store.json is unreadable; prepare a new store") from None
        if not isinstance(record, dict) or len(secret) != 32:
            raise PneumofedError("store-damaged", "store.json or secret.key is damaged; prepare a new store")
        try:
            settings = PreprocessingSettings(**record.get("settings", {}))
        except (ValidationError, TypeError):
            settings = None
        fingerprint = None if settings is None else settings.fingerprint
        if settings is None or record.get("format") != FORMAT or record.get("fingerprint") != fingerprint:
            reason = "the store was made by another version of pneumofed; prepare the scans again"
            raise PneumofedError("store-version", reason)
        return cls(path, settings, Pseudonyms(secret))

    def has(self, key: str) -> bool:
        """Whether the study `key` is in the store."""
        return (self._folder(key) / "study.json").is_file()

    def studies(self) -> list[Study]:
        """All studies, sorted by key. Raises `store-damaged` for a record or a file size that is wrong."""
        folders = sorted(folder for folder in (self.path / "studies").iterdir() if folder.name[0] != ".")
        return [self.study(folder.name) for folder in folders]

    def study(self, key: str) -> Study:
        """One study's record. Raises `store-damaged` where it or a file size is wrong."""
        return self._record(key)[0]

    def verify(self, key: str) -> None:
        """Read the study's arrays whole. Raises `store-damaged` where a checksum is wrong."""
        for name, known in self._record(key)[1].items():
            if _checksum((self._folder(key) / name).read_bytes()) != known:
                raise self._damaged(key)

    def read(self, key: str, lobes: Sequence[int]) -> LobeArrays:
        """The arrays of some lobes of one study, in the order asked for. Checks nothing slow.

        Raises `store-damaged` where the study cannot be read; IndexError for a lobe it does not have.
        """
        numbers = [int(number) for number in lobes]
        try:
            images, labels = self._reader.read(self._folder(key), numbers)
        except (OSError, RuntimeError, ValueError):
            raise self._damaged(key) from None
        marks = labels[:, 1]
        return LobeArrays(images, (marks & 1).astype(np.bool_), labels[:, 0], (marks & 2).astype(np.bool_))

    def add(self, study: Study, arrays: LobeArrays) -> None:
        """Put one study in, whole or not at all. Raises `study-exists`; OSError as the disk gives it."""
        if self.has(study.key):
            raise PneumofedError("study-exists", "this scan is already in the store")
        marks = arrays.mask.astype(np.uint8) | (arrays.semi_infection.astype(np.uint8) << 1)
        labels = np.stack([arrays.distance, marks], axis=1)
        contents = encode_lobes(arrays.images, labels)
        files = {name: _checksum(content) for name, content in contents.items()}
        with atomic_folder(self._folder(study.key)) as folder:
            for name, content in contents.items():
                (folder / name).write_bytes(content)
            (folder / "study.json").write_bytes(_encode(study, files))

    def relabel(self, study: Study, label: str) -> None:
        """Give a study in the store another label."""
        known, files = self._record(study.key)
        changed = Study.from_json({**known.to_json(), "label": label})
        write_atomically(self._folder(study.key) / "study.json", _encode(changed, files))

    def _folder(self, key: str) -> Path:
        return self.path / "studies" / key

    def _record(self, key: str) -> tuple[Study, dict[str, dict[str, str | int]]]:
        try:
            record = json.loads((self._folder(key) / "study.json").read_bytes())
            study, files = Study.from_json(record["study"]), record["files"]
            sizes = {name: (self._folder(key) / name).stat().st_size for name in files}
            sound = record["checksum"] == _digest_of(record["study"], files) and study.key == key
        except (OSError, ValueError, KeyError, TypeError):
            raise self._damaged(key) from None
        if not sound or any(sizes[name] != known["bytes"] for name, known in files.items()):
            raise self._damaged(key)
        return study, files

    def _damaged(self, key: str) -> PneumofedError:
        reason = f"study {key} is damaged; delete its folder in the store and prepare again"
        return PneumofedError("store-damaged", reason)


def _encode(study: Study, files: dict[str, dict[str, str | int]]) -> bytes:
    values = study.to_json()
    record = {"study": values, "files": files, "checksum": _digest_of(json.loads(json.dumps(values)), files)}
    return json.dumps(record).encode()


def _digest_of(study: object, files: object) -> str:
    return hashlib.sha256(json.dumps([study, files], sort_keys=True).encode()).hexdigest()


def _checksum(content: bytes) -> dict[str, str | int]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
