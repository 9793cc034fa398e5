"""Checks that what was found in a scan is a pair of lungs in a chest, and flags what is unusual.

Every rule has one measure, and refuses only what no chest shows. An abdomen, a head, a neck, a pelvis or a
leg breaks several. Diseased chests (white lung, emphysema, pneumothorax, one lung) break none.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing
from preprocessing.lung_measures import LungMeasures, measure_lungs
from preprocessing.lungs.lobes import Lobe
from preprocessing.reading.refusals import scan_refused

MIN_LOBES = 10  # the paper samples 10 slice lobes per scan (2.7.1)
_MIN_TISSUE_ML = 150.0  # a child of one year has some 200 ml, an adult several litres
_MAX_GAS = 0.7  # emphysema of -960 HU on average has 0.55, one lung lost to a pneumothorax 0.5
_MIN_BODY = 0.08  # lungs fill 0.12 (white ones) to 0.7 of the widest cross-section, bowel loops less
_MAX_CONTACT = 0.75  # two lungs touch in 0.2 of their rows; a lone one crosses the middle before the heart
_MIN_OVERLAP = 0.25  # a raised diaphragm or a white base leave more
_MIN_IN_VIEW = 0.4  # the estimate is good to a fifth: less is surely less than half
_CUT = 0.25  # area at an end from which lungs are cut off: they taper to their tip
_CUT_LATERALLY = 0.1  # share of slices at the field of view's edge from which lungs are cut off


def check_chest(lobes: Sequence[Lobe], images: NDArray[np.uint16], spacing_mm: Spacing) -> tuple[str, ...]:
    """Flags of a scan with these lobes; `images` uint16 [slice, row, column] after 2.2.

    Raises PneumofedError `no-lungs` if what was found is not lung, `lungs-partly-in-view` if most of the
    lungs lies outside the scan, and `no-background` if lung was taken for the air around the patient (2.2).
    """
    if len(lobes) < MIN_LOBES:
        raise scan_refused("no-lungs", f"{len(lobes)} lobes where {MIN_LOBES} are needed")
    measures = measure_lungs(lobes, images, spacing_mm)
    for rule in (_holds_tissue, _is_in_view, _is_large, _fills_the_body, _is_parted, _is_a_pair):
        rule(measures)
    found = {"lungs-cut-off": _is_cut(measures) or _is_cut_laterally(measures), "one-lung": measures.one_lung}
    return tuple(name for name, present in found.items() if present)


def _holds_tissue(measures: LungMeasures) -> None:
    """Lung holds vessels and walls between its air, gas in bowel, sinuses or larynx is as dark as outside."""
    if measures.gas_share > _MAX_GAS:
        # Without air around the patient, lung at the edge of the field of view was taken for it.
        code = "no-background" if measures.gas_edge_share > _CUT_LATERALLY else "no-lungs"
        raise scan_refused(
            code, f"{100 * measures.gas_share:.0f} % of the air inside the body is as dark as outside"
        )


def _is_in_view(measures: LungMeasures) -> None:
    """A lung cut off by an end of the scan is diagnosed only if a fair part of it lies within."""
    if _is_cut(measures) and measures.share_in_view < _MIN_IN_VIEW:
        raise scan_refused("lungs-partly-in-view", f"about {100 * measures.share_in_view:.0f} % of the lungs")


def _is_large(measures: LungMeasures) -> None:
    """Lung tissue is measured in litres, the mastoid's cells and the walls of gas in millilitres."""
    if measures.tissue_ml < _MIN_TISSUE_ML:
        detail = f"{measures.tissue_ml:.0f} ml of lung tissue where {_MIN_TISSUE_ML:.0f} are needed"
        raise scan_refused("no-lungs", detail)


def _fills_the_body(measures: LungMeasures) -> None:
    """Lungs fill a good part of the chest's cross-section, bowel loops little of the abdomen's."""
    if measures.body_share < _MIN_BODY:
        raise scan_refused(
            "no-lungs", f"what is found fills {100 * measures.body_share:.0f} % of the body's cross-section"
        )


def _is_parted(measures: LungMeasures) -> None:
    """Heart and spine part the lungs, or keep a lone one to its side; one object in the middle is no lung."""
    if measures.contact > _MAX_CONTACT:
        raise scan_refused("no-lungs", "nothing lies between the right and the left half of what is found")


def _is_a_pair(measures: LungMeasures) -> None:
    """Two lungs lie beside each other at one height."""
    if not measures.one_lung and measures.overlap < _MIN_OVERLAP:
        raise scan_refused("no-lungs", "what is found at the right lies above or below that at the left")


def _is_cut(measures: LungMeasures) -> bool:
    """The lungs end at the scan's end instead of tapering."""
    return measures.end_area > _CUT


def _is_cut_laterally(measures: LungMeasures) -> bool:
    """A lung reaches the edge of the field of view instead of the chest wall."""
    return measures.edge_share > _CUT_LATERALLY
