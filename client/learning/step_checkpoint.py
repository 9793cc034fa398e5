"""A network's round that was cut off: its last kept step, so that training goes on to the same bits.

    STATE/unfinished/NETWORK.safetensors    weights, optimiser, random state and losses after a step

Private rounds are not kept: they are done anew, and paid for anew (docs/decisions/0092). Never pickle.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from shared_model.files import write_atomically

EVERY_S = 60.0
"""A step is kept when the last one kept is older than this."""

Tensors = dict[str, Tensor]


class StepCheckpoint:
    """The file of one network's round; `key` tells rounds apart, as another's must not be gone on with."""

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key, self._written = path, key, time.monotonic()

    def read(self) -> Tensors | None:
        """The step kept of this very round; None where there is none, or none that can be read."""
        try:
            with safe_open(self._path, framework="pt") as file:
                if (file.metadata() or {}).get("key") != self._key:
                    return None
                names = list(file.keys())
                return {name: file.get_tensor(name) for name in names}
        except (FileNotFoundError, SafetensorError):
            return None

    def keep(self, pack: Callable[[], Tensors]) -> None:
        """Write what `pack` gives, if the last step kept is old enough."""
        if time.monotonic() - self._written >= EVERY_S:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, save(pack(), {"key": self._key}), mode=0o600)
            self._written = time.monotonic()


def pack_step(
    learning: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, losses: list[Tensor]
) -> Tensors:
    """All that the next step depends on, and the losses [step] so far."""
    packed = {f"weight/{name}": parameter.detach() for name, parameter in learning.items()}
    for name, parameter in learning.items():
        for part, value in optimizer.state[parameter].items():
            packed[f"optimizer/{part}/{name}"] = value
    device = losses[0].device
    packed |= {"losses": torch.stack(losses), "random/cpu": torch.get_rng_state()}
    if device.type == "cuda":
        packed["random/cuda"] = torch.cuda.get_rng_state(device)
    return {name: value.contiguous().clone() for name, value in packed.items()}


def unpack_step(
    packed: Tensors,
    learning: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> list[Tensor]:
    """Inverse of `pack_step`; the losses so far."""
    with torch.no_grad():
        for name, parameter in learning.items():
            parameter.copy_(packed[f"weight/{name}"])
    for entry, value in packed.items():
        if entry.startswith("optimizer/"):
            _, part, name = entry.split("/", 2)
            # Adam counts its steps on the processor.
            optimizer.state[learning[name]][part] = value if part == "step" else value.to(device)
    torch.set_rng_state(packed["random/cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(packed["random/cuda"], device)
    return list(packed["losses"].to(device))
