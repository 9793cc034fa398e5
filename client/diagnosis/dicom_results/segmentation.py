"""Lungs and infection as DICOM Segmentation (PS3.3 A.51), binary and as a label map, over the source."""

from dataclasses import dataclass

import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription
from highdicom.seg import Segmentation as SegmentationImage
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.dicom_results.producer import algorithm, description, equipment
from client.diagnosis.dicom_results.result_uids import result_uid
from client.diagnosis.dicom_results.source_images import SourceImages
from preprocessing.reading.slice_labels import labels_on_slices
from shared_model.saved_model import ModelCard

RIGHT_LUNG, LEFT_LUNG, INFECTION = 1, 2, 3
"""Segment numbers of the binary segmentation; infection lies in the lungs, so its segment overlaps them."""

_INFECTED = 2  # labels above are of infection
SERIES_NUMBER, LABEL_MAP_SERIES_NUMBER = 9001, 9002
_RED, _AMBER, _BLUE = (255, 59, 48), (245, 185, 66), (98, 181, 255)


@dataclass(frozen=True)
class _Segment:
    label: str
    infected: bool
    side: CodedConcept | None  # laterality; None: both lungs
    colour: tuple[int, int, int]


_BINARY = (
    _Segment("Right lung", False, codes.SCT.Right, _AMBER),
    _Segment("Left lung", False, codes.SCT.Left, _BLUE),
    _Segment("Infection", True, None, _RED),
)
_LABEL_MAP = (
    _Segment("Right lung, not infected", False, codes.SCT.Right, _AMBER),
    _Segment("Left lung, not infected", False, codes.SCT.Left, _BLUE),
    _Segment("Infection, right lung", True, codes.SCT.Right, _RED),
    _Segment("Infection, left lung", True, codes.SCT.Left, _RED),
)


def frame_labels(diagnosis: Diagnosis, source: SourceImages) -> NDArray[np.uint8]:
    """Lungs and infection on the pixels of each source frame, uint8 [frame, row, column].

    1 right, 2 left lung, 3 and 4 where infected.
    """
    labels = np.array([diagnosis.labels(index) for index in range(len(diagnosis.infected))])
    return source.frame_labels(labels_on_slices(labels, source.series))


def binary_segmentation(
    labels: NDArray[np.uint8], source: SourceImages, card: ModelCard
) -> SegmentationImage:
    """Segments 1 right lung, 2 left lung, 3 infection of both; `labels` as of `frame_labels`."""
    planes = [(labels == 1) | (labels == 3), (labels == 2) | (labels == 4), labels > _INFECTED]
    return _segmentation(
        np.stack(planes, axis=-1).astype(np.uint8, copy=False),
        SegmentationTypeValues.BINARY,
        _BINARY,
        source,
        card,
    )


def label_map_segmentation(
    labels: NDArray[np.uint8], source: SourceImages, card: ModelCard
) -> SegmentationImage:
    """Segments without overlap, numbered as `labels`: 1 right lung, 2 left lung, 3 and 4 their infection."""
    return _segmentation(labels, SegmentationTypeValues.LABELMAP, _LABEL_MAP, source, card)


def _segmentation(
    pixels: NDArray[np.uint8],
    kind: SegmentationTypeValues,
    segments: tuple[_Segment, ...],
    source: SourceImages,
    card: ModelCard,
) -> SegmentationImage:
    is_binary = kind == SegmentationTypeValues.BINARY
    return SegmentationImage(
        source_images=list(source.datasets),
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=[
            _description(number, one, card) for number, one in enumerate(segments, start=1)
        ],
        series_instance_uid=result_uid(source, card, kind.value, "series"),
        series_number=SERIES_NUMBER if is_binary else LABEL_MAP_SERIES_NUMBER,
        sop_instance_uid=result_uid(source, card, kind.value),
        instance_number=1,
        content_label="LUNGS",
        content_description="Lungs and infection",
        series_description=description(card, "lungs" if is_binary else "lungs, label map"),
        # A label map has a byte a pixel, nearly all of them alike.
        transfer_syntax_uid=ExplicitVRLittleEndian if is_binary else RLELossless,
        **equipment(card),
    )


def _description(number: int, segment: _Segment, card: ModelCard) -> SegmentDescription:
    lung = segment.infected is False
    described = SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=(
            codes.SCT.AnatomicalStructure if lung else codes.SCT.MorphologicallyAbnormalStructure
        ),
        segmented_property_type=codes.SCT.Lung if lung else codes.SCT.Inflammation,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm(card),
        anatomic_regions=None if lung else [codes.SCT.Lung],
        display_color=CIELabColor.from_rgb(*segment.colour),
    )
    if segment.side is not None:
        _set_side(described, segment.side, lung=lung)
    return described


def _set_side(described: SegmentDescription, side: CodedConcept, *, lung: bool) -> None:
    """Laterality as modifier of the lung, or of the region in which the infection lies (PS3.3 C.8.20.2)."""
    modifier = [CodedConcept.from_code(side)]
    if lung:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = modifier
    else:
        described.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = modifier
