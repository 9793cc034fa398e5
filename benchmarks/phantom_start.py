"""What phantoms teach: weights that learning from few real images begins with."""

import tempfile
from pathlib import Path

from benchmarks.localisation import after_stages, stored
from preprocessing.cores import cores
from preprocessing.phantom.hospital import make_hospitals
from shared_model.config import NETWORKS, StageConfig, load_study
from shared_model.transport import Weights

# COVID-19 against other pneumonia. The demo trains the decision alone, on features that rest; here all does.
COVID = StageConfig(
    name="covid",
    networks=("covid",),
    start_from_patches=True,
    rounds=8,
    epochs=3,
    validate_every=0,
    scans_per_batch=4,
    lobes_per_scan=4,
    top_share=0.5,
    learning_rate=1e-3,
    final_learning_rate=1e-4,
    warm_up_rounds=1,
)


def phantom_weights() -> Weights:
    """The COVID-19 network that has learned from the demo's phantoms and their scan labels.

    From random weights the diseased network learns as in the demo; from its features the COVID-19 network
    learns which disease it is.
    """
    demo = load_study("demo")
    diseased = tuple(stage for stage in demo.stages if stage.networks == ("diseased",))
    study = demo.model_copy(update={"stages": (*diseased, COVID)})
    with tempfile.TemporaryDirectory() as name:
        hospitals = make_hospitals(
            "demo", Path(name) / "hospitals", scans=None, seed=study.seed, jobs=cores()
        )
        weights = after_stages(stored(hospitals, Path(name) / "store", study), study, NETWORKS)
    return {name: array for name, array in weights.items() if name.startswith("covid/")}
