"""A training step and inference of our network against the eager float32 network, in turns over one store."""

import resource
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.support.phantom_series import write_phantom
from client.learning.batches import draw_batches, read_batches
from client.learning.lobe_inference import decide, extract_batches
from client.learning.network_training import train_network
from client.learning.training_context import TrainingContext
from preprocessing.phantom.presets import SCANNERS
from preprocessing.pipeline import prepare_series
from preprocessing.reading.series import find_series
from preprocessing.reading.series_selection import choose_series
from preprocessing.settings import DEFAULT_SETTINGS
from preprocessing.store.lobe_store import LobeStore
from shared_model.constants import LABELS, TASKS, Task
from shared_model.initial_weights import initial_networks
from shared_model.networks import LobeFeatures, LobeNetwork
from shared_model.study import NetworkConfig
from shared_model.study_stage import StageConfig

SCANS = 6
STAGE = StageConfig(
    name="benchmark", networks=("diseased",), rounds=1, scans_per_batch=SCANS, lobes_per_scan=10
)
FORWARD_GFLOP = 19.8  # of a lobe at width 1 (Table 1)


class PlainNetwork(LobeNetwork):
    """The network without sparse convolution: whole crops, black borders included."""

    def extract(self, images: Tensor, distance: Tensor, *, fine: bool = False) -> LobeFeatures:
        """As LobeNetwork.extract, without skipping black borders."""
        return self.extract_dense(images.contiguous(), distance)


def phantom_store(work: Path) -> LobeStore:
    """A store of SCANS phantoms of as many scanners."""
    store = LobeStore.create(work / "store", DEFAULT_SETTINGS)
    for number, scanner in enumerate(SCANNERS[:SCANS]):
        label = LABELS[number % len(LABELS)]
        series = find_series(write_phantom(work / str(number), label, scanner, number)).accepted
        scan = prepare_series(choose_series(series), DEFAULT_SETTINGS)
        store.add(scan.record(key=f"{number:016x}", fold=0.5, label=label), scan.arrays)
    return store


class Comparison:
    """Ours and the plain network over one store, timed in turns."""

    def __init__(self, store: LobeStore, width: float, device: torch.device, dtype: torch.dtype) -> None:
        self.store, self.scans, self.device, self.dtype = store, store.scans(), device, dtype
        config = NetworkConfig(width=width, init="random")
        ours = initial_networks(config, seed=0)
        plain = {
            name: PlainNetwork(config, infection_heads=name == "diseased") for name in TASKS
        }  # fmt: skip
        for name, network in plain.items():
            network.load_state_dict(ours[name].state_dict())
        self.plain = {name: network.to(device) for name, network in plain.items()}
        self.ours = {
            name: network.to(device).to(memory_format=torch.channels_last) for name, network in ours.items()
        }
        self.drawn = draw_batches(self.scans, STAGE, (0,))
        self.batch = next(iter(read_batches(store, self.drawn, device)))

    def measure(self, rounds: int) -> dict[str, float]:
        """The figures of `rounds` turns after one to warm up."""
        peak_gb = self._peak_gb()
        fastest: dict[str, float] = {}
        for turn in range(rounds + 1):
            for name, work in self._works().items():
                seconds = self._timed(work)
                if turn:
                    fastest[name] = min(fastest.get(name, seconds), seconds)
        lobes, seen = len(self.batch.lobes), len(self.scans[0].side)
        gflop = FORWARD_GFLOP * self.ours["diseased"].patch_features.channels ** 2 / 256**2
        figures = {
            "train_ratio": fastest["plain step"] / fastest["step"],
            "inference_ratio": fastest["plain scan"] / fastest["scan"],
            "loader_ratio": fastest["step"] / fastest["loader"],
            "train_lobes_per_s": lobes / fastest["step"],
            "inference_lobes_per_s": seen / fastest["scan"],
            "train_tflops": 3 * gflop * lobes / fastest["step"] / 1000,
            "inference_tflops": 2 * gflop * seen / fastest["scan"] / 1000,
            "difference": self._difference(),
            "peak_gb": peak_gb,
        }
        return figures | ({"matmul_tflops": self._matmul_tflops()} if self.device.type == "cuda" else {})

    def _works(self) -> dict[str, Callable[[], object]]:
        return {
            "plain step": lambda: self.step(self.plain["diseased"], torch.float32),
            "step": lambda: self.step(self.ours["diseased"], self.dtype),
            "plain scan": lambda: self._scan(self.plain, torch.float32),
            "scan": lambda: self._scan(self.ours, self.dtype),
            "loader": lambda: list(read_batches(self.store, self.drawn, self.device)),
        }

    def step(self, network: LobeNetwork, dtype: torch.dtype) -> None:
        """One training step on a copy of the network."""
        context = TrainingContext("diseased", STAGE, dtype)
        train_network(deepcopy(network), [self.batch], [1e-4], context)

    def _scan(self, networks: Mapping[Task, LobeNetwork], dtype: torch.dtype) -> dict[Task, Tensor]:
        """Lobe logits of the first scan."""
        scan = self.scans[0]
        logits: dict[Task, Tensor] = {}
        for name, network in networks.items():
            fine = name == "diseased"
            batches = extract_batches(
                network,
                lambda lobes: self.store.read(scan.key, lobes),
                len(scan.side),
                dtype=dtype,
                fine=fine,
            )
            outputs = [decide(network, features, fine=fine) for _, _, features in batches]
            logits[name] = torch.cat([output.lobe for output in outputs])
        return logits

    def _timed(self, work: Callable[[], object]) -> float:
        self._wait()
        start = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _difference(self) -> float:
        ours, plain = self._scan(self.ours, self.dtype), self._scan(self.plain, torch.float32)
        return max(float((ours[name].sigmoid() - plain[name].sigmoid()).abs().max()) for name in TASKS)

    def _peak_gb(self) -> float:
        self.step(self.ours["diseased"], self.dtype)
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 1e9
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

    def _matmul_tflops(self) -> float:
        square = torch.randn(8192, 8192, device=self.device, dtype=torch.bfloat16)
        seconds = min(self._timed(lambda: square @ square) for _ in range(10))
        return 2 * 8192**3 / seconds / 1e12
