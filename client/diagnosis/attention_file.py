"""Attention of both networks over all lobes of a scan, as an .npz file (2.9)."""

import io

import numpy as np

from client.diagnosis.diagnosis import Diagnosis

ATTENTION = "attention.npz"


def attention_npz(diagnosis: Diagnosis) -> bytes:
    """The arrays of attention.npz, n lobes by slice and side; equal diagnoses give equal bytes.

    diseased, covid float16 [n, 32, 32]: attention of each network's patches, in (0, 1); patch (r, c) is
    centred on pixel (8r + 4, 8c + 4) of the lobe's 256 x 256 crop. slice_index int64 [n], feet first, as
    `slices` of diagnosis.json; side int64 [n]: 0 right, 1 left. The crop's place in the slice: box int64
    [n, 4] is (row0, column0, row1, column1), ends excluded; scale float64 [n] is crop pixels per slice pixel,
    below 1 if the crop was shrunk; offset int64 [n, 2] is the crop's (row, column) of the box's first pixel.
    """
    lobes, crops = diagnosis.lobes, diagnosis.scan.crops
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        diseased=lobes.attention["diseased"],
        covid=lobes.attention["covid"],
        slice_index=lobes.slice_index,
        side=lobes.side,
        box=np.array([crop.box for crop in crops], np.int64),
        scale=np.array([crop.scale for crop in crops], np.float64),
        offset=np.array([crop.offset for crop in crops], np.int64),
    )
    return buffer.getvalue()
