"""Which of a study's CT series is best for the job."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

from preprocessing.reading.refusals import scan_refused
from preprocessing.reading.series import CtSeries

log = logging.getLogger("pneumofed.preprocessing")

_THIN_MM = 1.6
_WIDE_MM = 250.0  # a field of view that holds both lungs
_COMPLETE = 0.9  # share of the tallest series' height
_DOUBTFUL = {"interpolated", "lossy", "uneven-spacing", "derived", "unspecified-units", "other-body-part"}
_LUNG = re.compile(r"LUNG|SHARP|^B[LRV]?[5-7]\d|^FC5\d|^YA|^L$|^E$")
_SOFT = re.compile(r"SOFT|STANDARD|STD|CHST|^B[FRV]?[1-4]\d|^I[1-4]\d|^FC[01]\d|^[ABC]$")


def choose_series(accepted: Sequence[CtSeries]) -> CtSeries:
    """The series to use of at least one: complete, without doubtful flags, of a lung or soft kernel,
    thin, with the most slices; then by UID, so that the choice is the same every time.

    Where there was a choice it is logged, without naming the series, and flagged `chosen`.
    Raises PneumofedError `several-studies` where they are not all of one study of one patient.
    """
    if len({study_of(one) for one in accepted}) > 1:
        raise scan_refused("several-studies")
    tallest = max(map(_height_mm, accepted))
    best = min(accepted, key=lambda one: (*_rank(one, tallest), one.series_uid))
    if len(accepted) > 1:
        log.info(choice_text(best, len(accepted)))
        best = replace(best, flags=tuple(sorted((*best.flags, "chosen"))))
    return best


def study_of(one: CtSeries) -> tuple[str, str]:
    """PatientID and StudyInstanceUID; they stay in the hospital."""
    return one.patient_id, one.images[0].study_uid


def choice_text(best: CtSeries, usable: int) -> str:
    """What was chosen of how many, in words that name no patient."""
    flags = ", ".join(flag for flag in best.flags if flag != "chosen") or "no flags"
    return (
        f"{usable} series could be used; chose the one of {best.slices} slices, {best.spacing_mm[0]:.4g} mm "
        f"apart, kernel {kernel_class(best)} ({flags})"
    )


def with_choices(accepted: Sequence[CtSeries]) -> tuple[CtSeries, ...]:
    """The same series, the one that is the choice of its study flagged `chosen` where there are others."""
    studies: dict[tuple[str, str], list[CtSeries]] = {}
    for one in accepted:
        studies.setdefault(study_of(one), []).append(one)
    best = {study: choose_series(series) for study, series in studies.items()}
    return tuple(best[study_of(one)] if best[study_of(one)].images is one.images else one for one in accepted)


def _rank(one: CtSeries, tallest_mm: float) -> tuple[float, ...]:
    whole = _height_mm(one) >= _COMPLETE * tallest_mm and _field_mm(one) >= _WIDE_MM
    kernel = kernel_class(one) == "unknown"
    # Thin series are as good as each other: the kernel decides between them.
    return (not whole, len(_DOUBTFUL & set(one.flags)), one.spacing_mm[0] > _THIN_MM, kernel,
            one.spacing_mm[0], -one.slices)  # fmt: skip


def kernel_class(series: CtSeries) -> str:
    """`lung`, `soft` or `unknown`, from ConvolutionKernel, whose values are each maker's own."""
    kernel = series.images[0].kernel.upper().strip()
    if _LUNG.search(kernel):
        return "lung"
    return "soft" if _SOFT.search(kernel) else "unknown"


def _height_mm(one: CtSeries) -> float:
    return one.images[-1].height_mm - one.images[0].height_mm


def _field_mm(one: CtSeries) -> float:
    return max(side * spacing for side, spacing in zip(one.images[0].shape, one.spacing_mm[1:], strict=True))
