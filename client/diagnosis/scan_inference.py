"""Runs both networks over all lobes of a scan."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from client.learning.activation_dtype import device_of
from client.learning.lobe_inference import decide, extract, group_by_extractor, inference_batches
from client.learning.lobe_tensors import LobeTensors
from preprocessing.crop import to_image
from preprocessing.pipeline import PreparedScan
from shared_model.constants import TASKS, Task
from shared_model.infection_map import infection_map
from shared_model.networks import LobeNetwork, LobeOutput
from shared_model.patches import COARSE
from shared_model.progress import Progress


@dataclass(frozen=True)
class ScanOutputs:
    """The networks' outputs over a scan's lobes; the only map as large as the scan is bool.

    logits[network] float32 [lobe]; infection float32 [lobe, 32, 32], the probability of each coarse patch;
    in_lobe bool [lobe, 32, 32], patches that contain a part of the lobe; attention[network] float16
    [lobe, 32, 32], of each patch; infected bool [slice, row, column] in the scan's own pixels;
    infected_pixels int64 [lobe], counted there.
    """

    logits: dict[Task, NDArray[np.float32]]
    infection: NDArray[np.float32]
    in_lobe: NDArray[np.bool_]
    attention: dict[Task, NDArray[np.float16]]
    infected: NDArray[np.bool_]
    infected_pixels: NDArray[np.int64]


def infer_scan(
    scan: PreparedScan,
    networks: Mapping[Task, LobeNetwork],
    *,
    dtype: torch.dtype,
    progress: Progress | None = None,
) -> ScanOutputs:
    """Run both networks over every lobe, with activations in `dtype`; `progress` counts lobes."""
    count = len(scan.lobes)
    seen = ScanOutputs(
        logits={network: np.empty(count, np.float32) for network in TASKS},
        infection=np.zeros((count, COARSE.count, COARSE.count), np.float32),
        in_lobe=np.zeros((count, COARSE.count, COARSE.count), np.bool_),
        attention={task: np.empty((count, COARSE.count, COARSE.count), np.float16) for task in TASKS},
        infected=np.zeros(scan.images.shape, np.bool_),
        infected_pixels=np.zeros(count, np.int64),
    )

    groups, device = group_by_extractor(networks), device_of(networks["diseased"])
    for chunk in inference_batches(count):
        tensors = LobeTensors.from_arrays(scan.inputs.read(chunk), device)
        seen.in_lobe[chunk.start : chunk.stop] = tensors.patch_in_lobe.cpu().numpy()
        for group in groups:
            features = extract(networks[group[0]], tensors, dtype=dtype, fine="diseased" in group)
            for network in group:
                output = decide(networks[network], features, fine=network == "diseased")
                seen.logits[network][chunk.start : chunk.stop] = output.lobe.cpu().numpy()
                seen.attention[network][chunk.start : chunk.stop] = output.attention.cpu().numpy()
                if network == "diseased":
                    _keep_maps(seen, scan, chunk, tensors.mask, output)
        if progress is not None:
            progress(chunk.stop, count)
    return seen


def _keep_maps(
    seen: ScanOutputs, scan: PreparedScan, chunk: range, masks: Tensor, output: LobeOutput
) -> None:
    """Store a batch's coarse infection, and its infection maps in the scan's own pixels (2.8)."""
    if output.patch is not None:
        seen.infection[chunk.start : chunk.stop] = output.patch.softmax(dim=1)[:, 1].cpu().numpy()
    for number, crop_map in zip(chunk, infection_map(output, masks).cpu().numpy(), strict=True):
        lobe = scan.lobes[number]
        row0, column0, row1, column1 = lobe.box
        box = slice(row0, row1), slice(column0, column1)
        # Enlarging a shrunken crop gives ragged edges: the result is clipped to the lobe's mask.
        inside = to_image(crop_map, scan.crops[number], scan.images.shape[1:])[box] & lobe.mask
        seen.infected[lobe.slice][box] |= inside
        seen.infected_pixels[number] = np.count_nonzero(inside)
