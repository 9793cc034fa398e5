"""The folders in which a hospital keeps its studies: one folder a study, by its name."""

from pathlib import Path

from preprocessing.reading.file_walk import is_system_folder


def study_folders(folder: Path) -> dict[str, Path]:
    """Name -> path of each folder in `folder`, sorted; hidden folders and those of storage systems left out.

    Empty if there is no such folder, or none in it. Raises OSError if it cannot be listed.
    """
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    folders = {entry.name: entry for entry in entries if entry.is_dir()}
    return {name: path for name, path in folders.items() if name[0] != "." and not is_system_folder(name)}
