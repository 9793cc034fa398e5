"""A diagnosis timed in a process of its own, and an eager loop over its lobes beside it."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from client.diagnosis.diagnose_folder import load_for_diagnosis
from client.learning.lobe_tensors import LobeTensors
from preprocessing.pipeline import prepare_series
from preprocessing.reading.series_selection import select_series
from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.scan_record import LobeArrays
from shared_model.constants import TASKS, Task
from shared_model.initial_weights import initial_weights
from shared_model.networks import LobeNetwork
from shared_model.saved_model import ModelCard, save_model
from shared_model.study import NetworkConfig, load_study

# What the new process runs. Importing is not timed: a worker of a PACS imports once.
_RUN = """
import json, re, sys, time
from pathlib import Path
from client.diagnosis.diagnose_folder import diagnose_folder, load_for_diagnosis
from client.learning.malloc_settings import keep_freed_memory

keep_freed_memory()
model = load_for_diagnosis(Path(sys.argv[2]), "cpu")
started = time.perf_counter()
document = diagnose_folder(Path(sys.argv[1]), model, Path(sys.argv[3]))
total = time.perf_counter() - started
# Not getrusage: that counts what the parent held when it forked.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"total_s": total, "peak_mb": peak, "stages": document["timing"]}))
"""


@dataclass(frozen=True)
class DiagnosisTiming:
    """total_s: from files to diagnosis.json; stages: as in its `timing`, and results_s, pictures and files;
    eager_networks_s: of the eager loop, scaled to all lobes; difference: of a lobe's probability.
    """

    slices: int
    lobes: int
    total_s: float
    peak_mb: float
    stages: dict[str, float]
    eager_networks_s: float
    difference: float

    @property
    def eager_s(self) -> float:
        """From files to diagnosis.json with the eager loop in place of our networks."""
        return self.total_s - self.stages["networks_s"] + self.eager_networks_s

    def as_settings(self) -> dict[str, Any]:
        stages = {name: round(seconds, 3) for name, seconds in self.stages.items()}
        return {"slices": self.slices, "lobes": self.lobes, **stages, "eager_s": round(self.eager_s, 1)}


def random_model(folder: Path, width: float) -> None:
    """Save a model of the demo's study with initial weights."""
    study = load_study("demo")
    network = study.network.model_copy(update={"width": width, "init": "random"})
    study = study.model_copy(
        update={
            "network": NetworkConfig.model_validate(network.model_dump()),
            "preprocessing": DEFAULT_SETTINGS.fingerprint,
        }
    )
    save_model(folder, initial_weights(study), ModelCard(study=study, trained_on="Nothing."))


def time_diagnosis(folder: Path, model: Path, out: Path, rounds: int, eager_lobes: int) -> DiagnosisTiming:
    """Diagnose `folder` in `rounds` new processes, then run the eager loop in this one."""
    runs = [_run(folder, model, out) for _ in range(rounds)]
    best = min(runs, key=lambda run: run["total_s"])
    stages = dict(best["stages"])
    stages["results_s"] = best["total_s"] - sum(stages.values())
    scan = prepare_series(select_series(folder).required(), DEFAULT_SETTINGS)
    loaded = load_for_diagnosis(model, "cpu")
    chosen = np.unique(np.linspace(0, len(scan.lobes) - 1, min(eager_lobes, len(scan.lobes))).astype(int))
    seconds, eager = _eager_loop(loaded.networks, scan.arrays, chosen)
    ours = _ours(loaded.networks, scan.arrays, chosen)
    return DiagnosisTiming(
        slices=len(scan.images),
        lobes=len(scan.lobes),
        total_s=best["total_s"],
        peak_mb=max(run["peak_mb"] for run in runs),
        stages=stages,
        eager_networks_s=seconds * len(scan.lobes) / len(chosen),
        difference=max(float(np.abs(eager[task] - ours[task]).max()) for task in TASKS),
    )


def _run(folder: Path, model: Path, out: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", _RUN, str(folder), str(model), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _eager_loop(networks: Any, arrays: LobeArrays, lobes: np.ndarray) -> tuple[float, dict[Task, np.ndarray]]:
    """Seconds, and probabilities [lobe] of both networks, one lobe at a time, whole crops in float32."""
    found: dict[Task, list[float]] = {task: [] for task in TASKS}
    plain = {task: _plain(networks[task]) for task in TASKS}
    tensors = [_of(arrays, [int(lobe)]) for lobe in lobes]
    started = time.perf_counter()
    with torch.no_grad():
        for one in tensors:
            for task, network in plain.items():
                output = network(one.images.contiguous(), one.distance, fine=task == "diseased")
                found[task].append(float(output.lobe.sigmoid()))
    seconds = time.perf_counter() - started
    return seconds, {task: np.array(values) for task, values in found.items()}


def _plain(network: LobeNetwork) -> LobeNetwork:
    return network.eval().to(memory_format=torch.contiguous_format)


def _ours(networks: Any, arrays: LobeArrays, lobes: np.ndarray) -> dict[Task, np.ndarray]:
    """Probabilities [lobe] by the way that `diagnose` takes."""
    tensors = _of(arrays, [int(lobe) for lobe in lobes])
    with torch.no_grad():
        features = {task: networks[task].extract(tensors.images, tensors.distance) for task in TASKS}
        return {task: networks[task].decide(features[task]).lobe.sigmoid().numpy() for task in TASKS}


def _of(arrays: LobeArrays, lobes: list[int]) -> LobeTensors:
    some = LobeArrays(
        arrays.images[lobes], arrays.mask[lobes], arrays.distance[lobes], arrays.semi_infection[lobes]
    )
    return LobeTensors.from_arrays(some, torch.device("cpu"))
