"""A hospital of a few random scans in memory that trains the small study, and the weights it starts from."""

from typing import Any, cast

from client.learning.site import Site
from preprocessing.store.lobe_store import LobeStore
from tests.support.initial_weights import initial_weights
from tests.support.small_study import STUDY
from tests.support.stores import MadeScan, MemoryStore

WEIGHTS = initial_weights(STUDY)


def site_in_memory(scans: list[MadeScan], **choices: Any) -> Site:
    """A training site whose study is STUDY; `choices` are those of Site."""
    settings: dict[str, Any] = {"study": STUDY, "role": "training", "count_floor": 1}
    return Site(cast(LobeStore, MemoryStore(scans)), **settings | choices)
