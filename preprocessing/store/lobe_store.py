"""LobeStore: the folder in which a hospital keeps its prepared scans.

    store.json            format, settings and their fingerprint, and a MAC by the secret
    secret.key            32 random bytes for the keyed hashes, mode 0600
    studies/KEY/study.json    one scan: geometry, label, size and checksum of the other file
    studies/KEY/lobes.blosc   the lobes' arrays, see lobe_files: any lobe is read and checked alone

Beside them `prepare` keeps what people look at: rejected.csv, review.csv, review.html and sheets/.
A scan's folder appears by one rename: it is there whole or not at all. No name, UID, date or path of a scan
is kept.
"""

import errno
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_files import DamagedFileError, encode_lobes, read_lobes
from preprocessing.store.scan_record import LobeArrays, Pseudonyms, ScanRecord
from preprocessing.store.store_lock import locked
from shared_model.errors import PneumofedError
from shared_model.files import atomic_folder, flush_folder, write_atomically

FORMAT = 4
_READABLE = (3, FORMAT)
"""Records of format 3 lack the manufacturer and the slices' thickness: they are not known."""
LOBES = "lobes.blosc"
FileSum = dict[str, str | int]  # "bytes" and "sha256" of a file


class LobeStore:
    """A hospital's prepared scans. Reading is safe from many threads and from forked processes."""

    def __init__(self, path: Path, settings: PreprocessingSettings, pseudonyms: Pseudonyms) -> None:
        self.path, self.settings, self.pseudonyms = path, settings, pseudonyms

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the PreprocessingSettings that the store was made with."""
        return self.settings.fingerprint

    @classmethod
    def create(cls, path: Path, settings: PreprocessingSettings, secret: bytes | None = None) -> "LobeStore":
        """Make an empty store with a secret of its own. Raises `store-exists` where `path` is in use.

        secret: 32 bytes, of phantoms alone.
        """
        if path.exists() and not path.is_dir():
            raise _occupied()
        if not path.exists():
            path.mkdir(parents=True, exist_ok=True)
            flush_folder(path.parent)
        # Nothing beside it is written: in a container the folder is a mount, below a root that is read-only.
        with locked(path, wait_s=10):
            if not _is_new(path):
                raise _occupied()
            secret, choices = secret or secrets.token_bytes(32), settings.model_dump()
            (path / "studies").mkdir(exist_ok=True)
            write_atomically(path / "secret.key", secret, mode=0o600)
            record = {"format": FORMAT, "fingerprint": settings.fingerprint, "settings": choices}
            record["secret_mac"] = _mac(secret)
            # Last, as this makes the folder a store.
            write_atomically(path / "store.json", json.dumps(record, indent=1).encode(), mode=0o600)
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
        if not isinstance(record, dict):
            raise PneumofedError("store-damaged", "store.json is damaged; prepare a new store")
        try:
            settings = PreprocessingSettings(**record.get("settings", {}))
        except (ValidationError, TypeError):
            settings = None
        fingerprint = None if settings is None else settings.fingerprint
        if (
            settings is None
            or record.get("format") not in _READABLE
            or record.get("fingerprint") != fingerprint
        ):
            reason = "the store was made by another version of pneumofed; prepare the scans again"
            raise PneumofedError("store-version", reason)
        # With another secret every patient would get another fold, and every scan be added again.
        if record.get("secret_mac") != _mac(secret):
            reason = "secret.key is not the one that the store was made with; bring it back from a backup"
            raise PneumofedError("store-damaged", reason)
        return cls(path, settings, Pseudonyms(secret))

    def has(self, key: str) -> bool:
        """Whether the scan `key` is in the store."""
        return (self._folder(key) / "study.json").is_file()

    def scans(self) -> list[ScanRecord]:
        """The records of all scans, sorted by key. Raises `store-damaged` for a wrong record or file size."""
        return [self.scan(key) for key in self.keys()]

    def keys(self) -> list[str]:
        """The keys of all scans, sorted; their records are not read."""
        return sorted(folder.name for folder in (self.path / "studies").iterdir() if folder.name[0] != ".")

    def scan(self, key: str) -> ScanRecord:
        """One scan's record. Raises `store-damaged` if it or a file size is wrong."""
        return self._record(key)[0]

    def verify(self, key: str) -> None:
        """Read all lobes of a scan. Raises `store-damaged` if the checksum is wrong."""
        if _checksum((self._folder(key) / LOBES).read_bytes()) != self._record(key)[1]:
            raise self._damaged(key)

    def read(self, key: str, lobes: Sequence[int]) -> LobeArrays:
        """The arrays of some lobes of one scan, in the order asked for, each checked by its checksum.

        Raises `store-damaged` if a lobe cannot be read or is not what was written; IndexError for a
        lobe that the scan does not have.
        """
        try:
            return read_lobes(self._folder(key) / LOBES, [int(number) for number in lobes])
        except (OSError, DamagedFileError):
            raise self._damaged(key) from None

    def add(self, scan: ScanRecord, arrays: LobeArrays) -> None:
        """Add one scan, whole or not at all. Raises `study-exists`; OSError as the disk gives it."""
        if self.has(scan.key):
            raise PneumofedError("study-exists", "this scan is already in the store")
        content = encode_lobes(arrays)
        try:
            with atomic_folder(self._folder(scan.key)) as folder:
                (folder / LOBES).write_bytes(content)
                (folder / "study.json").write_bytes(_encode(scan, _checksum(content)))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # Another worker was faster: two study folders held the same scan.
            raise PneumofedError("study-exists", "this scan is already in the store") from None

    def update(self, scan: ScanRecord) -> None:
        """Replace the record of a scan in the store, as for a corrected label; its arrays stay."""
        write_atomically(self._folder(scan.key) / "study.json", _encode(scan, self._record(scan.key)[1]))

    def upgrade(self) -> None:
        """Give a store of an earlier format this one, before records of this format are written to it."""
        path = self.path / "store.json"
        record = json.loads(path.read_bytes())
        if record["format"] != FORMAT:
            write_atomically(path, json.dumps({**record, "format": FORMAT}, indent=1).encode(), mode=0o600)

    def _folder(self, key: str) -> Path:
        return self.path / "studies" / key

    def _record(self, key: str) -> tuple[ScanRecord, FileSum]:
        try:
            record = json.loads((self._folder(key) / "study.json").read_bytes())
            scan, lobes = ScanRecord.from_json(record["study"]), record["lobes"]
            size = (self._folder(key) / LOBES).stat().st_size
            sound = record["checksum"] == _digest_of(record["study"], lobes) and scan.key == key
            sound = sound and size == lobes["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            raise self._damaged(key) from None
        if not sound:
            raise self._damaged(key)
        return scan, lobes

    def _damaged(self, key: str) -> PneumofedError:
        reason = f"scan {key} is damaged; delete its folder in the store and prepare again"
        return PneumofedError("store-damaged", reason)


def _is_new(path: Path) -> bool:
    """Whether the folder is empty, or holds no more than a killed `create` left."""
    parts = {one.name for one in path.iterdir() if not one.name.endswith(".partial")}
    return parts <= {"studies", "secret.key"} and not any(path.glob("studies/*"))


def _occupied() -> PneumofedError:
    reason = "the store's folder holds other files; name an empty folder, or one to be made"
    return PneumofedError("store-exists", reason)


def _encode(scan: ScanRecord, lobes: FileSum) -> bytes:
    values = scan.to_json()
    record = {"study": values, "lobes": lobes, "checksum": _digest_of(json.loads(json.dumps(values)), lobes)}
    return json.dumps(record).encode()


def _digest_of(record: object, lobes: object) -> str:
    return hashlib.sha256(json.dumps([record, lobes], sort_keys=True).encode()).hexdigest()


def _checksum(content: bytes) -> FileSum:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _mac(secret: bytes) -> str:
    """Tells whether a secret is the same, and nothing of it."""
    return hmac.new(secret, b"pneumofed store", hashlib.sha256).hexdigest()
