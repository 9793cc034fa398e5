"""Synthetic hospitals of phantom chest CTs, written as DICOM."""
