"""Exports both networks of a model as ONNX, for programs without torch.

    OUT/diseased.onnx    diseased or healthy, with the infection maps
    OUT/covid.onnx       COVID-19 or other pneumonia

Each is a network over lobes: preprocessing before it and the scan decision after it are this package's.
"""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from client.diagnosis.figure_text import NOT_FOR_PATIENTS
from client.diagnosis.limits import is_research_only
from shared_model.constants import CROP_SIZE, TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically
from shared_model.network_weights import load_weights
from shared_model.networks import LobeNetwork, make_networks
from shared_model.saved_model import ModelCard, load_model

OPSET = 18
INPUTS = ("images", "distance")
OUTPUTS: dict[Task, tuple[str, ...]] = {
    "diseased": ("lobe_logit", "attention", "patch_logits", "fine_logits"),
    "covid": ("lobe_logit", "attention"),
}


class _Exported(nn.Module):
    """A network with a tuple of its outputs."""

    def __init__(self, network: LobeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, distance: Tensor) -> tuple[Tensor, ...]:
        found = self.network(images, distance, fine=self.network.fine_infection is not None)
        outputs = (found.lobe, found.attention, found.patch, found.fine)
        return tuple(output for output in outputs if output is not None)


def export_model(model: Path, out: Path) -> tuple[Path, ...]:
    """Write both networks of the model in the folder `model` into `out`, and return the files.

    Inputs, for any number n of lobes, float32: images [n, 3, 256, 256] in 0..2048, the lobe's crop in slices
    i-1, i, i+1 after preprocessing; distance [n, 256, 256], Manhattan distance in pixels to the lung's
    periphery. Outputs: lobe_logit [n]; attention [n, 32, 32] in (0, 1); of diseased.onnx also patch_logits
    [n, 2, 32, 32] and fine_logits [n, 2, 128, 128], channel 1 infected. Raises PneumofedError `onnx-missing`,
    `model-missing`, `model-damaged`, `architecture-mismatch`; OSError if `out` cannot be written.
    """
    try:
        import onnx
    except ImportError:
        raise PneumofedError(
            "onnx-missing", "ONNX is not installed; install pneumofed with its extra: pneumofed[onnx]"
        ) from None
    weights, card = load_model(model)
    networks = make_networks(card.study.network)
    load_weights(networks, weights)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for task in TASKS:
        exported = onnx.load_from_string(_onnx_bytes(networks[task].eval(), task))
        onnx.helper.set_model_props(exported, _properties(card, task))
        onnx.checker.check_model(exported)
        paths.append(out / f"{task}.onnx")
        write_atomically(paths[-1], exported.SerializeToString())
    return tuple(paths)


def _onnx_bytes(network: LobeNetwork, task: Task) -> bytes:
    example = (torch.zeros(2, 3, CROP_SIZE, CROP_SIZE), torch.zeros(2, CROP_SIZE, CROP_SIZE))
    names = (*INPUTS, *OUTPUTS[task])
    with TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        # Of the exporter that needs no further package; what it folds is checked against torch in a test.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Exported(network),
            example,
            Path(folder) / task,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS[task]),
            dynamic_axes={name: {0: "lobes"} for name in names},
        )
        return (Path(folder) / task).read_bytes()


def _properties(card: ModelCard, task: Task) -> dict[str, str]:
    """The model's card in the file, so that it says what it is wherever it is copied to."""
    values: dict[str, Any] = {
        "warning": f"{NOT_FOR_PATIENTS} {card.trained_on}",
        "research_use_only": is_research_only(card),
        "study": card.study.name,
        "study_fingerprint": card.study.fingerprint,
        "preprocessing": card.study.preprocessing,
        "weights_sha256": card.weights_sha256,
        "operating_point": getattr(card.operating_point, task),
        "temperature": getattr(card.temperature, task),
    }
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
