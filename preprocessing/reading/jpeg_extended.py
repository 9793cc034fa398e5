"""Decodes JPEG Extended (process 4, 12 bits) with GDCM, which pydicom does not use for it."""

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import JPEGExtended12Bit

_BITS = 12
_END = b"\xff\xd9"


def decode_extended(data: bytes, rows: int, columns: int) -> NDArray[np.uint16]:
    """Decode one frame's codestream to uint16 [row, column]. Raises ValueError if it cannot be decoded."""
    if not data.rstrip(b"\0").endswith(_END):  # GDCM would fill missing data silently
        raise ValueError("the codestream is truncated")
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    syntax = gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, _BITS, _BITS - 1, 0))
    found = image.GetBuffer()
    if found is None:
        raise ValueError("GDCM cannot decode this frame")
    return np.frombuffer(found.encode("utf-8", "surrogateescape"), "<u2").reshape(rows, columns)
