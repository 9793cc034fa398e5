"""A small study and a hospital of a few random scans in memory, for tests of learning."""

from collections.abc import Sequence
from typing import Any

from client.learning.site import Site
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.scan_record import LobeArrays, ScanRecord
from shared_model.study import NetworkConfig, StageConfig, StudyConfig
from tests.support.initial_weights import initial_weights
from tests.support.stores import MemoryStore

LOBES = StageConfig(
    name="lobes", networks=("diseased", "covid"), rounds=2, scans_per_batch=2, lobes_per_scan=2
)
FINE = StageConfig(
    name="fine", networks=("diseased",), part="fine", rounds=1, scans_per_batch=2, lobes_per_scan=2
)
STUDY = StudyConfig(
    name="test",
    seed=5,
    preprocessing=PreprocessingSettings().fingerprint,
    network=NetworkConfig(width=0.0625, dropout=0.5, pooling="mean", init="random"),
    stages=(LOBES, FINE),
)
WEIGHTS = initial_weights(STUDY)


def site_in_memory(scans: Sequence[tuple[ScanRecord, LobeArrays]], **choices: Any) -> Site:
    """A training site whose study is STUDY; `choices` are those of Site."""
    return Site(
        MemoryStore(scans),
        **{"study": STUDY, "role": "training", "count_floor": 1} | choices,
    )
