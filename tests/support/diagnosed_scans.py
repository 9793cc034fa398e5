"""Scans made by hand: geometry that can be worked out on paper, and DICOM files with a planted patient."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from client.diagnosis.diagnose import make_diagnosis
from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.scan_inference import ScanOutputs
from preprocessing.lobe_inputs import LobeInputs
from preprocessing.lungs.lobes import Lobe
from preprocessing.pipeline import PreparedScan
from preprocessing.settings import PreprocessingSettings
from shared_model.constants import TASKS
from shared_model.model_quality import MeasuredAuc, ModelQuality, TaskQuality
from shared_model.networks import make_networks
from shared_model.saved_model import ModelCard, OperatingPoint
from shared_model.study import NetworkConfig, StudyConfig, load_study

Box = tuple[int, int, int, int]
Spacing = tuple[float, float, float]


def study(**changes: object) -> StudyConfig:
    """A study with small networks whose preprocessing is this version's."""
    values = {
        "preprocessing": PreprocessingSettings().fingerprint,
        "network": NetworkConfig(width=1 / 8, init="random", pooling="mean"),
        "precision": "float32",
    }
    return load_study("tiny").model_copy(update=values | changes)


def card(*, diseased: float = 0.5, covid: float = 0.5) -> ModelCard:
    return ModelCard(
        study=study(),
        operating_point=OperatingPoint(diseased=diseased, covid=covid),
        trained_on="It has learned from phantoms only.",
    )


def measured_quality(low: float = 0.8) -> TaskQuality:
    """An AUC of 0.9 at held-out hospitals, known down to `low`, and no other figure."""
    undefined = {"validation": "not validated", "test": "no test scans"}
    return TaskQuality.model_validate(
        {"held_out": MeasuredAuc(value=0.9, low=low, high=0.95), "undefined": undefined}
    )


def measured_card() -> ModelCard:
    """A card of a model that nothing is wrong with."""
    quality = ModelQuality(diseased=measured_quality(), covid=measured_quality())
    return card().model_copy(update={"trained_on": "CT of patients of six hospitals.", "quality": quality})


def scan_of(
    lobes: Sequence[tuple[int, int, Box]], shape: tuple[int, int, int], spacing_mm: Spacing = (5.0, 0.8, 0.7)
) -> PreparedScan:
    """A scan of noise with full rectangular lobes (slice, side, box), feet at z = -100 mm."""
    images = np.random.default_rng(3).integers(0, 1500, shape).astype(np.uint16)
    made = [Lobe(z, side, box, np.ones((box[2] - box[0], box[3] - box[1]), bool)) for z, side, box in lobes]
    z_mm = -100 + spacing_mm[0] * np.arange(shape[0], dtype=np.float64)
    inputs = LobeInputs.of(images, made)
    return PreparedScan(images, spacing_mm, z_mm, ("uneven-spacing",), tuple(made), inputs)


def two_lungs(slices: int, spacing_mm: Spacing = (5.0, 1.0, 1.0)) -> PreparedScan:
    """Slices of 310 x 310 pixels, in each a right lung at the image's left and a left lung at its right."""
    boxes = ((100, 40, 240, 140), (100, 170, 240, 270))
    lobes = [(z, side, boxes[side]) for z in range(slices) for side in (0, 1)]
    return scan_of(lobes, (slices, 310, 310), spacing_mm)


def observation(
    scan: PreparedScan,
    infected: NDArray[np.bool_] | None = None,
    *,
    diseased: Sequence[float] | float = 0.0,
    covid: Sequence[float] | float = 0.0,
    attention: float = 0.25,
) -> ScanOutputs:
    """Outputs as if the networks had said so; logits one a lobe, or one for all."""
    count = len(scan.lobes)
    infected = np.zeros(scan.images.shape, bool) if infected is None else infected
    boxes = [
        (lobe.slice, slice(lobe.box[0], lobe.box[2]), slice(lobe.box[1], lobe.box[3])) for lobe in scan.lobes
    ]
    return ScanOutputs(
        logits={
            "diseased": np.broadcast_to(np.asarray(diseased, np.float32), count),
            "covid": np.broadcast_to(np.asarray(covid, np.float32), count),
        },
        infection=np.zeros((count, 32, 32), np.float32),
        in_lobe=np.ones((count, 32, 32), np.bool_),
        attention={task: np.full((count, 32, 32), attention, np.float16) for task in TASKS},
        infected=infected,
        infected_pixels=np.array([np.count_nonzero(infected[box]) for box in boxes]),
    )


def diagnosed(scan: PreparedScan, seen: ScanOutputs, **points: float) -> Diagnosis:
    return make_diagnosis(scan, seen, make_networks(study().network), card(**points))


PATIENT = {
    "PatientName": "Quillfeather^Ottoline",
    "PatientID": "MRN-7730415",
    "PatientBirthDate": "19530217",
    "StudyDate": "20210309",
    "AccessionNumber": "ACC55617",
    "InstitutionName": "Saint Hildegard",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.111222333",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.444555666",
}


def write_series(folder: Path, *, slices: int = 14, **tags: str) -> Path:
    """A chest of two ellipsoids in a cylinder as DICOM, 128 x 128 pixels of 3 mm, 12 mm apart."""
    folder.mkdir(parents=True)
    for index in range(slices):
        file = _ct_image(_chest_slice(index, slices), index, PATIENT | tags)
        file.save_as(folder / f"{index:03d}.dcm", enforce_file_format=True)
    return folder


def _chest_slice(index: int, slices: int) -> NDArray[np.int16]:
    rows, columns = np.mgrid[:128, :128].astype(float)
    noise = np.random.default_rng(index).normal(0, 12, (128, 128))
    hu = np.where(((rows - 64) / 42) ** 2 + ((columns - 64) / 54) ** 2 < 1, 40.0, -1000.0)
    height = 1 - ((index - (slices - 1) / 2) / (0.5 * slices)) ** 2
    for centre in (40, 88):
        lung = ((rows - 62) / 28) ** 2 + ((columns - centre) / 18) ** 2 < height
        hu[lung] = -850.0
    return np.rint(hu + noise).astype(np.int16)


def _ct_image(hu: NDArray[np.int16], index: int, tags: dict[str, str]) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[tags["SeriesInstanceUID"], str(index)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    file.Modality, file.ImageType, file.InstanceNumber = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"], index + 1
    file.Rows, file.Columns, file.SamplesPerPixel = 128, 128, 1
    file.PhotometricInterpretation, file.PixelRepresentation = "MONOCHROME2", 1
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 16, 15
    file.RescaleSlope, file.RescaleIntercept = 1, 0
    file.PixelSpacing, file.SliceThickness = [3.0, 3.0], 12.0
    file.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    file.ImagePositionPatient = [-192.0, -192.0, 12.0 * index]
    file.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.777"
    for keyword, value in tags.items():
        setattr(file, keyword, value)
    file.PixelData = hu.tobytes()
    return file
