"""The pictures of a diagnosis as Secondary Capture (PS3.3 A.8), for viewers that show no segmentation."""

from collections.abc import Mapping

import cv2
import numpy as np
from highdicom.sc import SCImage
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from client.diagnosis.dicom_results.producer import description, equipment
from client.diagnosis.dicom_results.result_uids import result_uid
from client.diagnosis.dicom_results.source_images import SourceImages
from client.diagnosis.slice_pictures import OVERVIEW
from shared_model.saved_model import ModelCard

SERIES_NUMBER = 9004


def key_pictures(pictures: Mapping[str, bytes], source: SourceImages, card: ModelCard) -> list[SCImage]:
    """One image for each of `pictures` (PNG by file name), in their order, in one series of the study."""
    series_uid = result_uid(source, card, "pictures", "series")
    images = []
    for number, (name, png) in enumerate(pictures.items(), start=1):
        image = SCImage.from_ref_dataset(
            ref_dataset=source.first,
            pixel_array=_rgb(png),
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            # Slices are seen from the feet, the overview from the front.
            patient_orientation=("L", "F") if name == OVERVIEW else ("L", "P"),
            series_instance_uid=series_uid,
            series_number=SERIES_NUMBER,
            sop_instance_uid=result_uid(source, card, "pictures", name),
            instance_number=number,
            series_description=description(card, "key pictures"),
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **equipment(card),
        )
        image.BodyPartExamined = "CHEST"
        image.BurnedInAnnotation = "NO"  # text, but nothing that identifies the patient
        images.append(image)
    return images


def _rgb(png: bytes) -> NDArray[np.uint8]:
    """uint8 [row, column, colour]."""
    bgr = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(np.asarray(bgr), cv2.COLOR_BGR2RGB), np.uint8)
