"""Measures what was found as lungs: volume, fill, place in the body, pairing, and the share in view.

The measures tell a pair of lungs from other enclosed air, such as bowel gas, sinuses or a larynx. They are
taken on a grid of about 3 mm, in slices 5 mm apart or as thick as they are, and are the same for a mirrored
patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, connected_components_3d, dilate, disc_kernel, downsample, erode
from preprocessing.lungs.body import find_body
from preprocessing.lungs.lobes import SIDES, Lobe

_GRID_MM, _SLICE_MM = 3.0, 5.0  # thinner slices are skipped
_GAS = 40  # grey value, -960 HU: darker is gas; of emphysema only bullae are, as the grid averages vessels in
_SOLID = 700  # grey value, -300 HU: brighter holds too little air to be told from other tissue
_TISSUE = 500  # grey value, -500 HU: the body's outline
_THICK_MM = 6.0  # partial volume between gas and tissue looks like lung, but is thinner than twice this
_TOUCH_MM = 10.0  # a narrower gap between the sides is no mediastinum
_HEIGHT = 0.65  # mean height of whole lungs over their width: 0.44 to 0.85 in scans and phantoms
_ONE_LUNG = 0.1  # share of the volume of both below which a lung is missing

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LungMeasures:
    """What was found as lungs. Shares lie between 0 and 1.

    `one_lung`: one side is less than a tenth of both. `tissue_ml`: volume of lung tissue, which holds both
    air and tissue. `gas_share`: gas relative to gas and lung tissue. `body_share`: share of the body's
    cross-section filled by what is neither gas nor thinner than a lung, in the slice with most of it.
    `contact`: share of the rows in which no mediastinum separates right and left. `overlap`: height with
    both sides, relative to the lower side. `share_in_view`: estimated share of the lungs' volume that lies
    within the scan, if an end of the scan cuts them. `end_area`: area in the first or last slice relative
    to the largest, `edge_share`: share of the slices in which a lung touches the edge of the field of view,
    both of the side with more of it. `gas_edge_share`: the same of the largest body of gas.
    """

    one_lung: bool
    tissue_ml: float
    gas_share: float
    body_share: float
    contact: float
    overlap: float
    share_in_view: float
    end_area: float
    edge_share: float
    gas_edge_share: float


def measure_lungs(lobes: Sequence[Lobe], images: NDArray[np.uint16], spacing_mm: Spacing) -> LungMeasures:
    """Measure the lobes found in `images`, uint16 [slice, row, column] after 2.2, 0 (air) to 2048."""
    factor, step = max(1, round(_GRID_MM / spacing_mm[1])), max(1, round(_SLICE_MM / spacing_mm[0]))
    grid_mm = (spacing_mm[0] * step, spacing_mm[1] * factor, spacing_mm[2] * factor)
    used = slice((len(images) - 1) % step // 2, None, step)  # both ends are as near as can be
    grey = np.stack([downsample(image, _grid_shape(images, factor)) for image in images[used]])
    right, left = (_side_mask(lobes, side, images, factor)[used] for side in range(len(SIDES)))
    found, body = right | left, find_body(grey < _TISSUE, grid_mm)
    mean = np.stack([cv2.blur(image, (3, 3)) for image in grey])
    gas = found & (mean < _GAS)
    tissue = _open(found & ~gas & (mean < _SOLID), grid_mm)
    voxel_ml = float(np.prod(grid_mm)) / 1000
    sides = (tissue & right, tissue & left)
    lungs = [_largest_object(side) for side in sides if side.sum() > _ONE_LUNG * tissue.sum()]
    return LungMeasures(
        one_lung=_one_is_missing(right, left),
        tissue_ml=float(tissue.sum() * voxel_ml),
        gas_share=float(gas.sum() / max(1, gas.sum() + tissue.sum())),
        body_share=_body_share(_open(found & ~gas, grid_mm), body),
        contact=_contact(right, left, body, grid_mm),
        overlap=_overlap(right, left),
        share_in_view=_share_in_view(tissue, len(lungs), grid_mm),
        end_area=max(map(_end_area, lungs), default=0.0),
        edge_share=max((_edge_share(side, grey) for side in lungs), default=0.0),
        gas_edge_share=_edge_share(_largest_object(gas), grey) if gas.any() else 0.0,
    )


def _one_is_missing(right: _Mask, left: _Mask) -> bool:
    """Whether one side has less than a tenth of the voxels of both."""
    return bool(min(right.sum(), left.sum()) < _ONE_LUNG * (right.sum() + left.sum()))


def _grid_shape(images: NDArray[np.uint16], factor: int) -> tuple[int, int]:
    return max(1, images.shape[1] // factor), max(1, images.shape[2] // factor)


def _side_mask(lobes: Sequence[Lobe], side: int, images: NDArray[np.uint16], factor: int) -> _Mask:
    """One side's lobes at the middle of each pixel of the grid, bool [slice, row, column]."""
    rows, columns = _grid_shape(images, factor)
    middle = factor // 2
    mask = np.zeros((len(images), rows, columns), np.bool_)
    for lobe in (lobe for lobe in lobes if lobe.side == side):
        row0, column0, row1, column1 = lobe.box
        whole = np.zeros(images.shape[1:], np.bool_)
        whole[row0:row1, column0:column1] = lobe.mask
        mask[lobe.slice] = whole[middle::factor, middle::factor][:rows, :columns]
    return mask


def _open(mask: _Mask, grid_mm: Spacing) -> _Mask:
    """`mask` without parts thinner than a lung, each slice opened by a disc."""
    disc = disc_kernel(max(1, round(_THICK_MM / grid_mm[1])))
    return np.stack([dilate(erode(image, disc), disc) for image in mask])


def _largest_object(mask: _Mask) -> _Mask:
    """The largest 3-D component of `mask`: a lung without pockets of air outside it."""
    objects, sizes = connected_components_3d(mask)
    return np.asarray(mask & (objects == sizes.argmax()))


def _areas(mask: _Mask) -> NDArray[np.int64]:
    """Pixels of each slice, int64 [slice]."""
    return np.asarray(mask.sum(axis=(1, 2)), np.int64)


def _body_share(mask: _Mask, body: _Mask) -> float:
    """Largest share of the body's cross-section that `mask` fills in a slice."""
    return float((_areas(mask & body) / np.maximum(_areas(body), 1)).max(initial=0))


def _contact(right: _Mask, left: _Mask, body: _Mask, grid_mm: Spacing) -> float:
    """Share of the rows in which less than _TOUCH_MM lies between right and left; 0 if there are no rows.

    Two lungs touch behind the sternum and before the spine; between them lies the mediastinum. The halves of
    one object in the middle touch all along. A lone lung is halved at the body's middle, which it may cross
    before the heart.
    """
    rows = (right | left).any(axis=2)
    if _one_is_missing(right, left):
        columns = np.flatnonzero(body.any(axis=(0, 1)))
        beyond = np.arange(body.shape[2]) > (columns.mean() if columns.size else body.shape[2] / 2)
        right, left = (right | left) & ~beyond, (right | left) & beyond
    both = right.any(axis=2) & left.any(axis=2)
    last_right = right.shape[2] - 1 - right[:, :, ::-1].argmax(axis=2)
    gap_mm = (left.argmax(axis=2) - last_right - 1) * grid_mm[2]
    return float((both & (gap_mm < _TOUCH_MM)).sum() / max(1, rows.sum()))


def _overlap(right: _Mask, left: _Mask) -> float:
    """Slices between which both sides extend, relative to the lower side; 1 if one is missing."""
    heights = [np.flatnonzero(_areas(side)) for side in (right, left)]
    if not all(height.size for height in heights):
        return 1.0
    shared = min(height[-1] for height in heights) - max(height[0] for height in heights) + 1
    return float(max(0, shared) / min(height[-1] - height[0] + 1 for height in heights))


def _share_in_view(tissue: _Mask, lungs: int, grid_mm: Spacing) -> float:
    """Share of the lungs' volume in view, estimated from their shape; 1 for no tissue.

    A whole lung's volume over its largest area is a height in proportion to the width of both lungs, which a
    cut at an end hardly changes. A lung by itself is taken for half of the width.
    """
    areas = _areas(tissue)
    if not areas.any():
        return 1.0
    columns = np.flatnonzero(tissue[areas.argmax()].any(axis=0))
    width_mm = (columns[-1] - columns[0] + 1) * grid_mm[2] * (1 if lungs == len(SIDES) else 2)
    height_mm = areas.sum() / areas.max() * grid_mm[0]
    return float(min(1.0, height_mm / (_HEIGHT * width_mm)))


def _end_area(side: _Mask) -> float:
    """Area in the first or last slice, the larger one, relative to the largest."""
    areas = _areas(side)
    return float(areas[[0, -1]].max() / areas.max())


def _edge_share(mask: _Mask, grey: NDArray[np.uint16]) -> float:
    """Share of an object's slices in which it touches the edge of the field of view.

    Outside a round field of view all slices are 0.
    """
    field = np.pad((grey > 0).any(axis=0), 1)
    inner = erode(field)[1:-1, 1:-1]
    touching = (mask & ~inner).any(axis=(1, 2))
    return float(touching.sum() / np.count_nonzero(_areas(mask)))
