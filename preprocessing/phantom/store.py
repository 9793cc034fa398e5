"""A store for phantoms, whose secret is none."""

from hashlib import sha256
from pathlib import Path

from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore
from shared_model.files import write_atomically


def create_store(path: Path, words: str) -> None:
    """An empty store at `path` whose secret follows from `words`: equal words split and order scans alike.

    Phantoms have no secrets; a hospital's store draws its own.
    """
    LobeStore.create(path, DEFAULT_SETTINGS)
    write_atomically(path / "secret.key", sha256(words.encode()).digest(), mode=0o600)
