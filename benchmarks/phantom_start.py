"""What phantoms teach: weights that learning from few real images begins with."""

import tempfile
from pathlib import Path

from benchmarks.localisation import stored, train_centrally
from preprocessing.cores import cores
from preprocessing.phantom.hospital import make_hospitals
from shared_model.config import load_study
from shared_model.transport import Weights, to_weights


def phantom_weights() -> Weights:
    """The diseased network after the demo's stages on its phantoms: from random weights and scan labels."""
    study = load_study("demo")
    with tempfile.TemporaryDirectory() as name:
        hospitals = make_hospitals(
            "demo", Path(name) / "hospitals", scans=None, seed=study.seed, jobs=cores()
        )
        return to_weights(
            {"diseased": train_centrally(stored(hospitals, Path(name) / "store", study), study)}
        )
