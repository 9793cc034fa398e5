"""Stable codes: why a file, a series or a scan is refused, and which flags a usable one gets.

`pneumofed hospital check` prints these texts and docs/reading.md lists them. A reason names the case and the
remedy, never a patient, a UID, a date or a path.
"""

from shared_model.errors import PneumofedError

FILE_REFUSALS = {
    "empty-file": "the file is empty; fetch it again",
    "archive": "an archive; unpack it into a folder of its own",
    "not-dicom": "the file is not DICOM; nothing to do if it does not belong to the scan",
    "no-preamble": "the file lacks DICOM's preamble, so its encoding would be a guess; export it again",
    "dicomdir": "an index of other files, not an image; nothing to do",
    "file-unreadable": "the file cannot be read; check its permissions and where its link leads",
    "folder-unreadable": "the folder cannot be read; check its permissions",
    "symlink-loop": "a link leads back to a folder that holds it; remove the link",
    "not-a-file": "neither a file nor a folder (a pipe, a device); remove it",
    "broken-header": "the DICOM header is broken; fetch the file again",
    "implausible-size": "larger than any CT; check what wrote it",
    "unreadable-pixels": "the pixel data is cut short or cannot be decoded; fetch the file again",
    "unknown-encoding": "a transfer syntax that is not read; export as Explicit VR Little Endian",
    "not-an-image": "a report or another object without pixels; nothing to do",
    "secondary-capture": "a screenshot, not a measured slice; nothing to do",
    "localizer": "a localizer (scout view), not a slice; nothing to do",
    "wrong-modality": "not a CT image; nothing to do",
    "no-sop-class": "SOPClassUID is missing, so the kind of object is unknown; export it again",
    "derived": "computed from other slices (projection, reformat, map); use the original series",
    "multi-frame": "several images in a file that is no Enhanced CT; export single slices",
    "colour": "a colour image has no Hounsfield scale; export the original series",
    "eight-bit": "8 bits have lost the Hounsfield scale; export the original series",
    "bit-depth": "pixels are not stored in 16 bits; export the original series",
    "no-rescale": "RescaleSlope or RescaleIntercept is missing, so there are no HU; export it again",
    "not-hounsfield": "values are no Hounsfield units; use the conventional reconstruction",
    "no-geometry": "position, orientation or spacing is missing or malformed; export the original series",
    "not-axial": "the slice is turned more than 30 degrees from axial; use the axial series",
    "odd-pixels": "the pixel spacing is no CT's; check what wrote it",
    "stray-slice": "an image far from the rest of its series, or unlike it, was set aside; nothing to do",
}

SERIES_REFUSALS = {
    "mixed-patients": "one series names several patients; ask who exported it",
    "not-chest": "the header names another part of the body; use the chest series",
    "too-few-slices": "too few slices for a chest CT; export the whole series",
    "missing-slices": "slices are missing inside the series; export the whole series",
    "interleaved-stacks": "two stacks lie between each other, alike in all else; export one at a time",
    "irregular-spacing": "the distance between slices varies too much; use another reconstruction",
    "irregular-shift": "slices are shifted by more than half their width; use another reconstruction",
    "duplicate-conflict": "different images at one position, alike in all else; export one at a time",
}

SCAN_REFUSALS = {
    "stray-bits": "pixels use bits that the header does not announce, so HU are uncertain; export it again",
    "uneven-rescale": "values jump from slice to slice, so a RescaleIntercept or RescaleSlope is wrong; "
    "export the series again",
    "no-background": "no air is seen around the patient to align grey values with; use a wider field of view",
    "no-lungs": "no lungs are found; use a chest CT",
    "lungs-partly-in-view": "less than two fifths of the lungs is in view; use a scan of the whole chest",
    "several-studies": "scans of several studies or patients are mixed; name one study's folder",
}

FLAGS = {
    "chosen": "the study had several series that can be used; this one fits best",
    "contrast": "ContrastBolusAgent names a contrast agent",
    "derived": "the first value of ImageType is DERIVED, of an axial image that is otherwise primary",
    "duplicates": "the same slice came more than once; one copy was kept",
    "gantry-tilt": "slices were moved back along the tilt of the gantry; what this uncovers is padding",
    "interpolated": "one or two missing slices were interpolated",
    "lossy": "pixels were compressed with loss",
    "low-dose": "CTDIvol is 3 mGy or less, or the exposure 40 mAs or less",
    "lungs-cut-off": "part of the lungs lies beyond an end of the scan or the edge of the field of view",
    "monoenergetic": "computed for one photon energy, or as if without a material (a spectral scanner)",
    "monochrome1": "PhotometricInterpretation is MONOCHROME1; HU do not depend on it",
    "no-patient-id": "PatientID is blank, so this examination counts as a patient of its own",
    "oblique": "slices are turned 3 to 30 degrees from axial",
    "offset-mended": "all values were off the Hounsfield scale by one offset, which was taken back",
    "on-side": "the patient lies on a side",
    "one-lung": "one lung is missing or less than a tenth of both",
    "other-body-part": "BodyPartExamined names neither the chest nor a part that excludes it",
    "prone": "the patient lies on the belly",
    "resampled": "pixels were not square and were resampled",
    "shared-patient": "PatientID is several patients', so this examination counts as a patient of its own",
    "shifted": "slices did not lie straight above each other and were moved; what this uncovers is padding",
    "mixed-kernels": "slices of one stack name different kernels",
    "split-series": "one series held several; each is judged by itself",
    "stray-slices": "images far from the rest of their series, or unlike it, were set aside",
    "uneven-spacing": "slices lie off a regular grid by a tenth to three tenths of their distance",
    "unspecified-units": "RescaleType says that units are unspecified; they were taken for HU",
}


def reason(code: str, detail: str = "") -> str:
    """Case and remedy of a refusal's code, preceded by `detail`. Raises KeyError for an unknown code."""
    text = (FILE_REFUSALS | SERIES_REFUSALS | SCAN_REFUSALS)[code]
    return f"{detail}: {text}" if detail else text


class FileRefusedError(Exception):
    """A file or series cannot be used; `series_uid` is empty if unknown."""

    def __init__(self, code: str, detail: str = "", series_uid: str = "") -> None:
        super().__init__(reason(code, detail))
        self.code, self.reason, self.series_uid = code, reason(code, detail), series_uid
        self.detail = detail


def scan_refused(code: str, detail: str = "") -> PneumofedError:
    """The error of a scan that is refused while it is read or prepared."""
    return PneumofedError(code, reason(code, detail))
