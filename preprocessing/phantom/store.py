"""Creates a LobeStore for phantoms, with a reproducible secret."""

from hashlib import sha256
from pathlib import Path

from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore


def create_store(path: Path, words: str) -> None:
    """Create an empty store at `path` whose secret is derived from `words`.

    Equal words give equal keys and folds. Only for phantoms: a hospital's store draws a random secret.
    """
    LobeStore.create(path, DEFAULT_SETTINGS, sha256(words.encode()).digest())
