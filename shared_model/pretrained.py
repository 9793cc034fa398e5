"""VGG-16 weights trained on ImageNet, from torchvision's hub or from a file (2.7.4)."""

from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from shared_model.errors import PneumofedError


def vgg16_state(init: str) -> Mapping[str, Tensor]:
    """The state dict of torchvision's VGG-16. `init`: "imagenet" (the hub), or the path of a state file.

    Raises PneumofedError `init-missing` if it is not available; there is no silent fallback.
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
            "download the state file and set init = 'PATH', or set init = 'random'",
        ) from error
    return state


def _from_file(path: Path) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a file that is not a state dict
        raise PneumofedError(
            "init-missing", f"{path}: not a readable VGG-16 state file; give one that torchvision can load"
        ) from error
    return state
