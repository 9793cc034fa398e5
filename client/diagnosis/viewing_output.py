"""Writes viewing.zip, slice by slice."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.infected_boxes import infected_boxes
from client.diagnosis.viewing_file import FULL_ATTENTION, SCAN, ViewedScan, layer_file
from shared_model.constants import TASKS, Task
from shared_model.files import atomic_file

_FASTEST = 1  # level of deflate: noise packs hardly better at higher ones


def write_viewing_file(path: Path, diagnosis: Diagnosis, hu: NDArray[np.int16]) -> None:
    """Write viewing.zip of a scan and what the model found in it, whole or not at all.

    hu: [slice, row, column] in the voxels of `diagnosis.scan`. One slice is in memory at a time. Raises the
    file system's OSError.
    """
    with (
        atomic_file(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST) as made,
    ):
        made.writestr(SCAN, _scan(diagnosis).model_dump_json())
        for index, image in enumerate(hu):
            for layer, pixels in _layers(diagnosis, index, image):
                made.writestr(layer_file(layer, index), pixels.tobytes())


def _layers(
    diagnosis: Diagnosis, index: int, image: NDArray[np.int16]
) -> Iterator[tuple[str, NDArray[np.int16] | NDArray[np.uint8]]]:
    yield "hu", image.astype("<i2", copy=False)
    yield "labels", diagnosis.labels(index)
    for task in TASKS:
        yield f"attention/{task}", _attention(diagnosis, task, index)


def _attention(diagnosis: Diagnosis, task: Task, index: int) -> NDArray[np.uint8]:
    shares = np.nan_to_num(diagnosis.attention(task, index), nan=0.0)
    return np.rint(shares * FULL_ATTENTION).astype(np.uint8)


def _scan(diagnosis: Diagnosis) -> ViewedScan:
    scan = diagnosis.scan
    _, row_mm, column_mm = scan.spacing_mm
    slices, rows, columns = scan.images.shape
    return ViewedScan(
        shape=(slices, rows, columns),
        spacing_mm=scan.spacing_mm,
        z_mm=tuple(scan.z_mm.tolist()),
        boxes=tuple(tuple(infected_boxes(one, (row_mm, column_mm))) for one in diagnosis.infected),
        greatest_attention={task: float(diagnosis.lobes.attention[task].max()) for task in TASKS},
    )
