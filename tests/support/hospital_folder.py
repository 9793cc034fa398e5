"""A hospital's folder with three random scans, whose trainer a test can start as a process."""

from pathlib import Path

from tests.support.stores import disk_store, scan_of


def write_hospital_folder(folder: Path) -> Path:
    """Store, state folder and hospital.toml, whose path is returned; no coordinator can be reached."""
    disk_store(folder / "store", [scan_of("a", "covid"), scan_of("b", "healthy"), scan_of("c", "other")])
    (folder / "state").mkdir()
    site = folder / "hospital.toml"
    site.write_text(
        'name = "north"\n[coordinator]\naddress = "127.0.0.1:1"\n[limits]\ncount_floor = 1\nthreads = 1\n'
    )
    return site
