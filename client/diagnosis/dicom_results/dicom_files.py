"""All DICOM results of a diagnosis as files.

    OUT/dicom/segmentation.dcm    lungs and infection as Segmentation
    OUT/dicom/label-map.dcm       the same as Label Map Segmentation, for viewers that know it
    OUT/dicom/report.dcm          measurements as Structured Report (TID 1500)
    OUT/dicom/picture-01.dcm      the overview, then the slices to look at first, as Secondary Capture

They name the patient, as the scan does, and belong to its study.
"""

import io
from collections.abc import Mapping

from pydicom.dataset import Dataset

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.dicom_results.key_pictures import key_pictures
from client.diagnosis.dicom_results.measurement_report import measurement_report
from client.diagnosis.dicom_results.segmentation import (
    binary_segmentation,
    frame_labels,
    label_map_segmentation,
)
from client.diagnosis.dicom_results.source_images import SourceImages
from shared_model.errors import PneumofedError


def dicom_files(
    diagnosis: Diagnosis, source: SourceImages, pictures: Mapping[str, bytes]
) -> dict[str, bytes]:
    """File name -> content of each DICOM object.

    source: the images of which the diagnosis was made; pictures: PNG by file name.

    Raises PneumofedError `dicom-source` if headers hold values that no result can carry.
    """
    try:
        labels = frame_labels(diagnosis, source)
        segmentation = binary_segmentation(labels, source, diagnosis.card)
        files = {
            "segmentation.dcm": _encoded(segmentation),
            "label-map.dcm": _encoded(label_map_segmentation(labels, source, diagnosis.card)),
            "report.dcm": _encoded(measurement_report(diagnosis, source, segmentation)),
        }
        captures = key_pictures(pictures, source, diagnosis.card)
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # of headers with values of no use
        reason = (
            f"the series' headers cannot be carried into DICOM results ({type(error).__name__}); export the "
            "original series, or diagnose without --dicom"
        )
        raise PneumofedError("dicom-source", reason) from None
    return files | {f"picture-{number:02d}.dcm": _encoded(one) for number, one in enumerate(captures, 1)}


def _encoded(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
