"""Checkpoint of an interrupted round: resuming is bit-identical to a round that was not interrupted.

    STATE/unfinished/NETWORK.safetensors    weights, optimiser, random state and losses after a step

Private rounds have none: an interrupted one is repeated and charged again (docs/decisions/0092).
Nothing is pickled.
"""

import logging
import time
from pathlib import Path

import torch
from torch import Tensor

from client.learning.optimizer_state import Parameters, pack_optimizer, restore_optimizer
from client.learning.tensor_file import DamagedTensorsError, read_tensors, write_tensors

log = logging.getLogger("pneumofed.trainer")

SAVE_EVERY_S = 60.0
"""A step is saved if the last one was saved longer ago than this."""


class StepCheckpoint:
    """The checkpoint file of one network in one round.

    key: identifies the round and all that its result depends on; a file with another key is ignored, as is
    one that is damaged: the round then begins anew, to the same bits.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key, self._saved_at = path, key, time.monotonic()
        self._saved = self._read()

    @property
    def steps_done(self) -> int:
        """How many steps of the round an earlier attempt has saved."""
        return 0 if self._saved is None else len(self._saved["losses"])

    def restore(self, trained: Parameters, optimizer: torch.optim.Optimizer) -> list[Tensor]:
        """Restore weights, optimiser and random state of the saved step; returns the losses so far."""
        saved, self._saved = self._saved, None
        return [] if saved is None else restore_state(saved, trained, optimizer)

    def save_if_due(
        self, trained: Parameters, optimizer: torch.optim.Optimizer, losses: list[Tensor]
    ) -> None:
        """Save the step just taken, if the last one was saved more than SAVE_EVERY_S ago."""
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_tensors(self._path, pack_state(trained, optimizer, losses), {"key": self._key})
            self._saved_at = time.monotonic()

    def _read(self) -> dict[str, Tensor] | None:
        try:
            packed, about = read_tensors(self._path)
        except FileNotFoundError:
            return None
        except DamagedTensorsError:
            log.warning("the saved step of an unfinished round is damaged: the round begins anew")
            return None
        return packed if about == {"key": self._key} else None


def pack_state(
    trained: Parameters, optimizer: torch.optim.Optimizer, losses: list[Tensor]
) -> dict[str, Tensor]:
    """Everything that the next step depends on, and the losses [step] so far."""
    packed = {f"weight/{name}": parameter.detach() for name, parameter in trained.items()}
    packed |= {f"optimizer/{name}": value for name, value in pack_optimizer(trained, optimizer).items()}
    device = losses[0].device
    packed |= {"losses": torch.stack(losses), "random/cpu": torch.get_rng_state()}
    if device.type == "cuda":
        packed["random/cuda"] = torch.cuda.get_rng_state(device)
    return {name: value.contiguous().clone() for name, value in packed.items()}


def restore_state(
    packed: dict[str, Tensor], trained: Parameters, optimizer: torch.optim.Optimizer
) -> list[Tensor]:
    """Inverse of `pack_state`, on the device of `trained`; returns the losses so far."""
    device = next(iter(trained.values())).device
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(packed[f"weight/{name}"])
    of_optimizer = {
        entry.split("/", 1)[1]: v for entry, v in packed.items() if entry.startswith("optimizer/")
    }
    restore_optimizer(of_optimizer, trained, optimizer)
    torch.set_rng_state(packed["random/cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(packed["random/cuda"], device)
    return list(packed["losses"].to(device))
