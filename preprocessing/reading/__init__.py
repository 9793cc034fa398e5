"""From the files of a folder to slices in order: DICOM as archives hold it."""
