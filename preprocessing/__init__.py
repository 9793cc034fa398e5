"""From DICOM folders to lobes on disk."""
