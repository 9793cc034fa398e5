"""Where ImageNet's VGG-16 weights come from: the hub when a study says so, or a named file (2.7.4)."""

from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from shared_model.errors import PneumofedError


def vgg16_state(init: str) -> Mapping[str, Tensor]:
    """The state of torchvision's VGG-16 for `init` = "imagenet" (the hub) or the path of a state file.

    Raises PneumofedError `init-missing` where it cannot be had: there is no silent fallback.
    """
    return _from_hub() if init == "imagenet" else _from_file(Path(init))


def _from_hub() -> Mapping[str, Tensor]:
    from torchvision.models import VGG16_Weights

    try:
        state: Mapping[str, Tensor] = VGG16_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise PneumofedError(
            "init-missing",
            "ImageNet weights of VGG-16 cannot be fetched from torchvision's hub; "
            "put the state file on disk and say init = 'PATH', or init = 'random'",
        ) from error
    return state


def _from_file(path: Path) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no state
        raise PneumofedError(
            "init-missing", f"{path}: not a readable VGG-16 state file; name one that torchvision loads"
        ) from error
    return state
