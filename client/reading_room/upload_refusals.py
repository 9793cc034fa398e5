"""Why an upload is refused: stable codes with case and remedy, which name no file and no patient."""

from shared_model.errors import PneumofedError

UPLOAD_REFUSALS = {
    "not-a-zip": "this is no zip archive; choose a zip, or a folder",
    "zip-broken": "the zip archive is damaged or cut short; pack it again",
    "zip-encrypted": "the zip archive is encrypted; pack it without a password",
    "zip-method": "the zip archive is compressed by a method other than deflate; pack it as an ordinary zip",
    "zip-bomb": "the zip archive would unpack to far more than images do; pack only the study's files",
    "unsafe-path": "a name in the zip archive leads out of it; pack the study's folder itself",
    "zip-link": "the zip archive holds a link; pack the files themselves",
    "zip-device": "the zip archive holds a device, pipe or socket; pack the study's files only",
    "names-not-utf8": "names in the zip archive are not UTF-8; use plain letters, or upload the folder",
    "duplicate-names": "the zip archive holds two files of one name; pack it again",
    "nested-archive": "an archive lies in the upload; unpack it, or leave it out",
    "too-many-files": "the upload has more files than `max_files` of pacs.toml; upload one study",
    "upload-too-large": "the upload is larger than `max_upload_gb` of pacs.toml; upload one study",
    "unpacked-too-large": "the upload unpacks to more than `max_unpacked_gb` of pacs.toml; upload one study",
    "upload-too-slow": "the upload took longer than `max_minutes` of pacs.toml, or stalled; upload it again",
    "upload-cut-short": "the upload ended before it was whole; upload it again",
    "no-ct-images": "no CT image is in the upload; choose the folder that holds the images",
    "several-patients": "the upload holds images of several patients; upload each study by itself",
    "several-studies": "the upload holds several studies; upload each by itself",
    "conflicting-images": "two different images have one SOPInstanceUID; ask who exported the study",
    "study-differs": "this study is here with other images; delete that upload first, then upload the study "
    "whole",
    "too-many-waiting": "as many uploads wait as `most_waiting` of pacs.toml permits; come back later",
    "disk-full": "the disk is full; tell your IT that `reading` of pacs.toml needs space",
}


def upload_refused(code: str) -> PneumofedError:
    """The error of an upload that is refused. Raises KeyError for an unknown code."""
    return PneumofedError(code, UPLOAD_REFUSALS[code])
