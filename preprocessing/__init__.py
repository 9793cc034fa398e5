"""Prepares DICOM chest CTs: from folders of files to lobes on disk."""
