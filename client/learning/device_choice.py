"""The device that a user asks for by its name."""

import torch

from shared_model.errors import PneumofedError


def choose_device(name: str) -> torch.device:
    """`name` is "cpu", "cuda", "cuda:1" ..., or "auto" for the GPU if there is one, else the processor.

    Raises PneumofedError `no-device` for a device that cannot be used here: never a silent fallback.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PneumofedError(
            "no-device", f"device {name!r} cannot be used here; name cpu, cuda or auto, or mend its driver"
        ) from error
    return device
