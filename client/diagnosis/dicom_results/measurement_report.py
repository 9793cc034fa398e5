"""Probabilities, volumes and the verdict as a Measurement Report (PS3.16 TID 1500, Comprehensive SR)."""

from typing import Any

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from client.diagnosis.diagnosis import Diagnosis
from client.diagnosis.dicom_results.producer import (
    MAKER,
    ML,
    SCHEME,
    algorithm_name,
    algorithm_version,
    description,
    equipment,
    private_code,
)
from client.diagnosis.dicom_results.result_uids import named_uid, result_uid
from client.diagnosis.dicom_results.segmentation import INFECTION, LEFT_LUNG, RIGHT_LUNG
from client.diagnosis.dicom_results.source_images import SourceImages
from client.diagnosis.figure_text import NOT_FOR_PATIENTS
from client.diagnosis.verdict_text import verdict_sentence
from shared_model.constants import Task
from shared_model.infection_map import InfectedVolume
from shared_model.saved_model import ModelCard

SERIES_NUMBER = 9003
PNEUMONIA = CodedConcept("233604007", "SCT", "Pneumonia")
COVID_19 = CodedConcept("840539006", "SCT", "COVID-19")
OPERATING_POINT = private_code("operating-point", "Probability from which a scan is called positive")
CALLED = private_code("called", "What the scan is called by the model")
INFECTED_VOLUME = private_code("infected-volume", "Infected volume of the lung")
INFECTED_SHARE = private_code("infected-share", "Infected share of the lung volume")
_FINDINGS: dict[Task, CodedConcept] = {"diseased": PNEUMONIA, "covid": COVID_19}
_DECISIONS: dict[Task, str] = {"diseased": "diseased or healthy", "covid": "COVID-19, if diseased"}
_SIDES = {
    "right": (RIGHT_LUNG, codes.SCT.Right),
    "left": (LEFT_LUNG, codes.SCT.Left),
}


def measurement_report(diagnosis: Diagnosis, source: SourceImages, segmentation: Dataset) -> ComprehensiveSR:
    """The report; `segmentation` is the binary one that its measurements refer to.

    A measurement group for each lung and for the infection, and one for each decision: the calibrated
    probability, the operating point, and whether it is called present. The verdict with all that limits it
    and the warning are comments of the first decision.
    """
    card = diagnosis.card
    groups = [_lung(diagnosis, side, segmentation) for side in _SIDES if _volume(diagnosis, side)]
    groups.append(_infection(diagnosis, segmentation))
    groups += [_decision(diagnosis, task, segmentation) for task in _FINDINGS]
    report = MeasurementReport(
        observation_context=_context(card),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
    )
    return ComprehensiveSR(
        evidence=[segmentation, *source.datasets],
        content=report[0],
        series_instance_uid=result_uid(source, card, "report", "series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=result_uid(source, card, "report"),
        instance_number=1,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description=description(card, "measurements"),
        coding_schemes=[
            CodingSchemeIdentificationItem(SCHEME, name=f"Codes of {MAKER}", responsible_organization=MAKER)
        ],
        **equipment(card),
    )


def _context(card: ModelCard) -> ObservationContext:
    observer = DeviceObserverIdentifyingAttributes(
        uid=named_uid("observer", card.weights_sha256),
        name=algorithm_name(card),
        manufacturer_name=MAKER,
        model_name=MAKER,
        serial_number=algorithm_version(card),
    )
    return ObservationContext(ObserverContext(codes.DCM.Device, observer))


def _algorithm(card: ModelCard) -> AlgorithmIdentification:
    return AlgorithmIdentification(algorithm_name(card), algorithm_version(card), manufacturer=MAKER)


def _tracking(segmentation: Dataset, name: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=named_uid(segmentation.SOPInstanceUID, name), identifier=name)


def _referenced(segmentation: Dataset, number: int) -> ReferencedSegment:
    series = segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID
    return ReferencedSegment(
        segmentation.SOPClassUID,
        segmentation.SOPInstanceUID,
        number,
        source_series=SourceSeriesForSegmentation(series),
    )


def _volume(diagnosis: Diagnosis, side: str | None) -> InfectedVolume | None:
    """None if that lung was not found."""
    volume = diagnosis.infected_volume(side)
    return volume if volume.percent is not None else None


def _lung(diagnosis: Diagnosis, side: str, segmentation: Dataset) -> Any:
    number, laterality = _SIDES[side]
    volume = diagnosis.infected_volume(side)
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        _tracking(segmentation, f"{side} lung"),
        referenced_segment=_referenced(segmentation, number),
        finding_type=codes.SCT.Lung,
        finding_sites=[FindingSite(codes.SCT.Lung, laterality)],
        algorithm_id=_algorithm(diagnosis.card),
        measurements=[
            Measurement(codes.SCT.Volume, volume.lung_ml, ML),
            Measurement(INFECTED_VOLUME, volume.infected_ml, ML),
            Measurement(INFECTED_SHARE, volume.percent or 0.0, codes.UCUM.Percent),
        ],
    )


def _infection(diagnosis: Diagnosis, segmentation: Dataset) -> Any:
    volume = diagnosis.infected_volume()
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        _tracking(segmentation, "infection of both lungs"),
        referenced_segment=_referenced(segmentation, INFECTION),
        finding_type=codes.SCT.Inflammation,
        finding_sites=[FindingSite(codes.SCT.Lung)],
        algorithm_id=_algorithm(diagnosis.card),
        measurements=[
            Measurement(codes.SCT.Volume, volume.infected_ml, ML),
            Measurement(INFECTED_SHARE, volume.percent or 0.0, codes.UCUM.Percent),
        ],
    )


def _decision(diagnosis: Diagnosis, task: Task, segmentation: Dataset) -> Any:
    score = diagnosis.scores[task]
    positive = score.positive and diagnosis.scores["diseased"].positive  # COVID-19 only if diseased (2.6)
    group = MeasurementsAndQualitativeEvaluations(
        _tracking(segmentation, _DECISIONS[task]),
        finding_type=_FINDINGS[task],
        algorithm_id=_algorithm(diagnosis.card),
        measurements=[
            Measurement(codes.DCM.Probability, score.probability, codes.UCUM.NoUnits),
            Measurement(OPERATING_POINT, score.operating_point, codes.UCUM.NoUnits),
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(CALLED, codes.SCT.Present if positive else codes.SCT.Absent)
        ],
    )
    if task == "diseased":
        for words in (verdict_sentence(diagnosis), f"{NOT_FOR_PATIENTS} {diagnosis.card.trained_on}"):
            comment = TextContentItem(codes.DCM.Comment, words, RelationshipTypeValues.CONTAINS)
            group[0].ContentSequence.append(comment)
    return group
