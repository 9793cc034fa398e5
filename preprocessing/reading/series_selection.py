"""Which CT series of a study's folder is used, and why the others are not."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from preprocessing.reading.hu_sample import scale_problem
from preprocessing.reading.refusals import scan_refused
from preprocessing.reading.series import CtSeries, find_series
from shared_model.errors import PneumofedError
from shared_model.progress import Progress

log = logging.getLogger("pneumofed.preprocessing")

_THIN_MM = 1.6
_WIDE_MM = 250.0  # a field of view that holds both lungs
_COMPLETE = 0.9  # share of the tallest series' height
_DOUBTFUL = {
    "interpolated", "lossy", "uneven-spacing", "derived", "unspecified-units", "other-body-part",
    "mixed-kernels", "monoenergetic", "offset-mended", "on-side", "prone",
}  # fmt: skip
_LUNG = re.compile(r"LUNG|SHARP|^B[LRV]?[5-7]\d|^FC5\d|^YA|^L$|^E$")
_SOFT = re.compile(r"SOFT|STANDARD|STD|CHST|^B[FRV]?[1-4]\d|^I[1-4]\d|^FC[01]\d|^[ABC]$")


@dataclass(frozen=True)
class Selection:
    """The CT series to use of a study's folder.

    series: the best one (`choose_series`); None if there is none, or if the folder holds several studies.
    usable: how many series can be used.
    problems: code and reason of each refused series and file, and last why there is nothing to choose from.
    """

    folder: Path
    series: CtSeries | None
    usable: int
    problems: tuple[tuple[str, str], ...]

    @property
    def choice(self) -> str | None:
        """What was chosen, in words that name no patient, if there was a choice."""
        return choice_text(self.series, self.usable) if self.series is not None and self.usable > 1 else None

    def required(self) -> CtSeries:
        """`series`. Raises PneumofedError `no-series` or `several-studies` if there is none."""
        if self.series is not None:
            return self.series
        code, reason = self.problems[-1]
        if code not in ("no-series", "several-studies"):
            codes = ", ".join(sorted({code for code, _ in self.problems}))
            reason = f"no CT series can be used: {codes} (`pneumofed hospital check` gives the reasons)"
            code = "no-series"
        raise PneumofedError(code, f"{self.folder}: {reason}")


def select_series(folder: Path, *, progress: Progress | None = None) -> Selection:
    """Find the CT series of one study under `folder`, refuse what cannot be used, and choose the best.

    `progress` is called after each file. Raises nothing for bad input.
    """
    if not folder.exists():
        missing = ("no-series", "no such folder; name the folder of one CT study")
        return Selection(folder, None, 0, (missing,))
    report = find_series(folder, progress=progress)
    refused = tuple((one.code, one.reason) for one in report.refused)
    if not report.accepted:
        return Selection(folder, None, 0, refused or (("no-series", "the study's folder holds no files"),))
    usable, contradicted = _on_hounsfield_scale(report.accepted)
    refused += contradicted
    try:
        return Selection(folder, choose_series(usable), len(usable), refused)
    except PneumofedError as error:
        return Selection(folder, None, len(usable), (*refused, (error.code, str(error))))


def _on_hounsfield_scale(
    accepted: Sequence[CtSeries],
) -> tuple[tuple[CtSeries, ...], tuple[tuple[str, str], ...]]:
    """Series of several in the order given, without those whose pixels show that they cannot be used; and
    code and reason of each of these. Of the last one left, load_volume says it.
    """
    usable, problems = list(accepted), []
    tallest = max(map(_height_mm, accepted))
    for one in sorted(accepted, key=lambda one: (*_rank(one, tallest), one.series_uid)):
        if len(usable) == 1:
            break
        problem = scale_problem(one)
        if problem is None:
            break  # the best one is sound
        usable.remove(one)
        problems.append(problem)
    return tuple(usable), tuple(problems)


def choose_series(accepted: Sequence[CtSeries]) -> CtSeries:
    """The series to use of at least one: complete, without doubtful flags, of a lung or soft kernel,
    thin, with the most slices; then by UID, so that the choice is the same every time.

    If there was a choice it is logged, without naming the series, and flagged `chosen`.
    Raises PneumofedError `several-studies` if they are not all of one study of one patient.
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
    """The same series; the one chosen of several in a study is flagged `chosen`."""
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
