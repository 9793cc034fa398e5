"""Chests whose HU say what each pixel is, so that stored files alone tell where lungs and a lesion lie.

The lesion is in one lung only; lobes of the diagnosis are these marks, not those that preprocessing finds.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.diagnosis.diagnosis import Diagnosis
from preprocessing.lobe_inputs import LobeInputs
from preprocessing.lungs.lobes import Lobe
from preprocessing.pipeline import PreparedScan
from preprocessing.reading.series import CtSeries
from preprocessing.reading.series_selection import select_series
from preprocessing.reading.volume import load_volume
from tests.support.chests import LUNG, chest, write_series
from tests.support.diagnosed_scans import diagnosed, observation

RIGHT, LEFT, LESION = LUNG, LUNG + 10, -300
PLANTED = {
    "PatientName": "Quillfeather^Ottoline",
    "PatientBirthDate": "19530217",
    "PatientSex": "F",
    "AccessionNumber": "ACC55617",
    "StudyID": "7",
    "StudyDate": "20210309",
    "StudyTime": "101112",
    "ReferringPhysicianName": "Marsh^Agnes",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.777",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.111222333",
}


def marked_chest(lesion_side: int, slices: int = 12) -> NDArray[np.int16]:
    """HU int16 [slice, row, column]; in some slices a lesion is at the back of the lung of `lesion_side` (1
    right, 2 left).
    """
    hu, lungs = chest(slices, 96, noise=0)
    hu[lungs == 2] = LEFT
    rows = np.arange(hu.shape[1])[:, np.newaxis]
    hu[3:8][(lungs[3:8] == lesion_side) & (rows > 50)] = LESION
    return hu


def diagnosed_series(series: CtSeries, lesion_side: int) -> Diagnosis:
    """A diagnosis whose lungs and infection are the marks in the volume of `series`."""
    volume = load_volume(series)
    lesion = volume.hu == LESION
    lungs = [(volume.hu == (RIGHT, LEFT)[side]) | (lesion & (lesion_side == side + 1)) for side in (0, 1)]
    lobes = [_lobe(z, side, lungs[side][z]) for z in range(len(volume.hu)) for side in (0, 1)]
    images = np.clip(volume.hu.astype(np.int32) + 1000, 0, 2048).astype(np.uint16)
    inputs = LobeInputs.of(images, lobes)
    scan = PreparedScan(images, volume.spacing_mm, volume.z_mm, volume.flags, tuple(lobes), inputs)
    return diagnosed(scan, observation(scan, lesion, diseased=2.0, covid=1.0))


def _lobe(index: int, side: int, mask: NDArray[np.bool_]) -> Lobe:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return Lobe(index, side, box, mask[box[0] : box[2], box[1] : box[3]])


def marked_series(
    folder: Path, lesion_side: int, orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0), **tags: Any
) -> CtSeries:
    """The chest written as DICOM, with a patient, stored in `orientation`; a tag of None is left out."""
    chosen = {name: value for name, value in {**PLANTED, **tags}.items() if name not in PLANTED or value}
    hu = marked_chest(lesion_side)
    write_series(folder, hu, orientation=orientation, patient_id="MRN-7730415", **chosen)
    return select_series(folder).required()
