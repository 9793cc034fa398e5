"""Reads DICOM files of a folder into CT series, and one series into a volume in HU."""
