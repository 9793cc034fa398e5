"""Names of the files of a diagnosis, for processes that load no network to read them."""

DOCUMENT, VIEWING, DICOM = "diagnosis.json", "viewing.zip", "dicom"
LABEL_MAP = "label-map.dcm"
DICOM_FILES = ("segmentation.dcm", LABEL_MAP, "report.dcm")  # and pictures
