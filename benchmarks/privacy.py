"""Cost of patient-level privacy: time of a step, and AUC by epsilon.

`python -m benchmarks.privacy DEMO [--json]`, DEMO being the folder that `pneumofed demo --out DEMO` wrote.
The training hospitals learn diseased against healthy together from random weights, once without noise and
once for each epsilon; the held-out hospitals measure.

step_s, private_step_s, price_ratio  seconds of a plain and a private step on the same scans, and their ratio
auc_epsilon_...                      AUC within the held-out hospitals
"""

import argparse
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.support.result import print_result
from client.learning.batches import draw_batches, read_batches
from client.learning.malloc_settings import keep_freed_memory
from client.learning.network_training import train_network
from client.learning.site import Site
from client.learning.training_context import TrainingContext
from client.privacy.dp_sgd import DpParameters, train_privately, unpredictable_generator
from client.privacy.hospital_training import hospital_training
from deploy.simulation.local_grid import LocalGrid, client_app
from preprocessing.store.lobe_store import LobeStore
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.initial_weights import initial_networks, initial_weights
from shared_model.metrics.within_hospital import within_hospital_auc
from shared_model.protocol import Role
from shared_model.study import NetworkConfig, PrivacyConfig, StudyConfig
from shared_model.study_stage import StageConfig

EPSILONS = (8.0, 3.0, 1.0)
LOBES_PER_SCAN = 3
DELTA = 1e-3  # some 30 patients a hospital
TIMINGS = 2  # of each way, in turns; the shortest counts
CPU = torch.device("cpu")
NETWORK = NetworkConfig(width=0.125, dropout=0.2, pooling="mean", init="random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()
    stores = {path.name: LobeStore.open(path) for path in sorted((chosen.demo / "stores").iterdir())}
    roles = {
        name: json.loads((chosen.demo / "hospitals" / name / "hospital.json").read_text())["role"]
        for name in stores
    }
    plain, private = price(stores[next(name for name, role in roles.items() if role == "training")])
    print(f"a private step takes {private / plain:.2f} times as long", file=sys.stderr, flush=True)
    figures: dict[str, float | None] = {
        "step_s": plain,
        "private_step_s": private,
        "price_ratio": private / plain,
    }
    for epsilon in (None, *EPSILONS):
        name = "none" if epsilon is None else f"{epsilon:g}"
        area = figures[f"auc_epsilon_{name}"] = auc(stores, roles, study_of(chosen.rounds, epsilon, stores))
        print(f"epsilon {name}: AUC {area}", file=sys.stderr, flush=True)
    scans = {role: sum(len(stores[n].scans()) for n in stores if roles[n] == role) for role in roles.values()}
    settings = {"rounds": chosen.rounds, "lobes_per_scan": LOBES_PER_SCAN, "delta": DELTA, "scans": scans}
    print_result(figures, settings, as_json=chosen.json)


def study_of(rounds: int, epsilon: float | None, stores: dict[str, LobeStore]) -> StudyConfig:
    """Infection and decision learned at once, batches of 6 scans."""
    stage = StageConfig(
        name="diseased", networks=("diseased",), rounds=rounds, validate_every=rounds, scans_per_batch=6,
        lobes_per_scan=LOBES_PER_SCAN, learning_rate=2e-3, patch_weight=1.0,
    )  # fmt: skip
    return StudyConfig(
        name="privacy",
        preprocessing=next(iter(stores.values())).fingerprint,
        network=NETWORK,
        stages=(stage,),
        privacy=None if epsilon is None else PrivacyConfig(epsilon=epsilon, delta=DELTA),
    )


def auc(stores: dict[str, LobeStore], roles: dict[str, Role], study: StudyConfig) -> float | None:
    """AUC within the held-out hospitals, diseased against healthy, after a federation."""
    with tempfile.TemporaryDirectory() as folder:
        states = {name: Path(folder) / name for name in stores}
        sites = {}
        for name, store in stores.items():
            states[name].mkdir()
            training = partial(hospital_training, state=states[name])
            sites[name] = Site(store, study, role=roles[name], count_floor=1, training=training)
        app = client_app(sites.__getitem__)
        weights = initial_weights(study)
        result = run_study(
            LocalGrid(app, list(sites)),
            study,
            weights,
            ledger=Ledger(Path(folder) / "ledger", study, weights),
            policy=RoundPolicy(poll_s=0, quorum=sum(role == "training" for role in roles.values())),
        )
    held_out = [found for name, found in result.evaluations.items() if roles[name] == "held-out"]
    area = within_hospital_auc(held_out, "diseased")
    return area.value if area else None


def price(store: LobeStore) -> tuple[float, float]:
    """Seconds of a plain and of a private step on the same 6 scans of 10 lobes."""
    stage = StageConfig(name="price", networks=("diseased",), rounds=1)
    scans = store.scans()[: stage.scans_per_batch]
    together = list(read_batches(store, draw_batches(scans, stage, (0,)), CPU))
    single = stage.model_copy(update={"scans_per_batch": 1})
    alone = list(read_batches(store, draw_batches(scans, single, (0,)), CPU))
    network = initial_networks(NETWORK, 0)["diseased"].to(memory_format=torch.channels_last)
    noise = DpParameters(
        clip_norm=1.0, multiplier=1.0, expected_patients=6.0, generator=unpredictable_generator(CPU)
    )

    context = TrainingContext("diseased", stage, torch.float32)

    def plain() -> None:
        train_network(network, together, [1e-4], context)

    def private() -> None:
        train_privately(network, [alone], [1e-4], context, noise)

    shortest = dict.fromkeys((plain, private), float("inf"))
    for _ in range(TIMINGS + 1):  # the first warms up
        for step in shortest:
            start = time.perf_counter()
            step()
            shortest[step] = min(shortest[step], time.perf_counter() - start)
    return shortest[plain], shortest[private]


if __name__ == "__main__":
    main()
