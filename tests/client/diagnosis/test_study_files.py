"""The fingerprint of a study's files changes with each of them."""

import os
from pathlib import Path

from client.diagnosis.study_files import files_digest


def test_every_change_shows(tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "series").mkdir(parents=True)
    (study / "series" / "1.dcm").write_bytes(b"abc")
    seen = {files_digest(study)}
    assert files_digest(study) in seen
    os.utime(study / "series" / "1.dcm", ns=(1, 1))
    seen.add(files_digest(study))
    (study / "2.dcm").write_bytes(b"")
    seen.add(files_digest(study))
    (study / "2.dcm").rename(study / "3.dcm")
    seen.add(files_digest(study))
    (study / "3.dcm").unlink()
    assert files_digest(study) in seen and len(seen) == 4
    study.rename(tmp_path / "renamed")
    assert files_digest(tmp_path / "renamed") in seen
