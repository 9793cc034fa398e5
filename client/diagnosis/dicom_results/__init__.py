"""A diagnosis as DICOM objects in the scan's own study, for a PACS."""
