"""An optimiser's state by parameter names, and its file between rounds for stages that keep it.

    STATE/optimizer/NETWORK-STAGE-ROUND.safetensors    after that round

A hospital that trains other parameters than in that round, as it has too few patients of a class now, begins
anew.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from client.learning.tensor_file import DamagedTensorsError, read_tensors, write_tensors
from shared_model.errors import PneumofedError

Parameters = Mapping[str, nn.Parameter]
"""The parameters that are trained, by name."""


def pack_optimizer(trained: Parameters, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of each parameter, by "part/parameter"."""
    return {
        f"{part}/{name}": value
        for name, parameter in trained.items()
        for part, value in optimizer.state[parameter].items()
    }


def restore_optimizer(
    packed: Mapping[str, Tensor], trained: Parameters, optimizer: torch.optim.Optimizer
) -> None:
    """Inverse of `pack_optimizer`, on the device of `trained`."""
    device = next(iter(trained.values())).device
    for entry, value in packed.items():
        part, name = entry.split("/", 1)
        # Adam counts its steps on the CPU.
        optimizer.state[trained[name]][part] = value if part == "step" else value.to(device)


class OptimizerFile:
    """The state of one network's optimiser between the rounds of a stage.

    A round starts from the state after the latest earlier round that this hospital finished; a repeated round
    starts from the same. study: fingerprint of the study; the files of another one are ignored.
    """

    def __init__(self, folder: Path, study: str, network: str, stage: int, round: int) -> None:
        self._folder, self._study, self._round = folder, study, round
        self._prefix = f"{network}-{stage:02d}-"

    def load(self, trained: Parameters, optimizer: torch.optim.Optimizer) -> None:
        """Restore the state before the round, if there is any. Raises PneumofedError `optimizer-damaged`."""
        for path in sorted(self._folder.glob(f"{self._prefix}*.safetensors"), reverse=True):
            packed = self._read(path) if self._round_of(path) < self._round else None
            if packed is not None and {name.split("/", 1)[1] for name in packed} == trained.keys():
                restore_optimizer(packed, trained, optimizer)
                return

    def write(self, trained: Parameters, optimizer: torch.optim.Optimizer) -> None:
        """Keep the state after the round, and of earlier rounds only the last."""
        earlier = [p for p in self._folder.glob(f"{self._prefix}*") if self._round_of(p) < self._round]
        for path in sorted(earlier)[:-1]:
            path.unlink()
        self._folder.mkdir(parents=True, exist_ok=True)
        packed = {
            name: value.detach().contiguous() for name, value in pack_optimizer(trained, optimizer).items()
        }
        path = self._folder / f"{self._prefix}{self._round:04d}.safetensors"
        write_tensors(path, packed, {"study": self._study})

    def _read(self, path: Path) -> dict[str, Tensor] | None:
        try:
            packed, about = read_tensors(path)
        except DamagedTensorsError:
            raise PneumofedError(
                "optimizer-damaged",
                f"{path} is damaged; bring it back from a backup, or delete it: the moments then begin anew",
            ) from None
        return packed if about == {"study": self._study} else None

    def _round_of(self, path: Path) -> int:
        return int(path.name.removeprefix(self._prefix).split(".")[0])
