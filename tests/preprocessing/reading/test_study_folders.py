"""Folders of studies, without those that nobody made."""

from pathlib import Path

from preprocessing.reading.study_folders import study_folders


def test_folders_by_name(tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden", "@eaDir", "__MACOSX"):
        (tmp_path / name).mkdir()
    (tmp_path / "labels.csv").write_text("study,label\n")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    assert list(study_folders(tmp_path)) == ["a", "b", "linked"]
    assert study_folders(tmp_path / "labels.csv") == study_folders(tmp_path / "none") == {}
