"""Phantom scans as DICOM series."""

from pathlib import Path

import numpy as np

from preprocessing.phantom.acquisition import simulate_scan
from preprocessing.phantom.dicom import write_series
from preprocessing.phantom.scanner import Scanner


def write_phantom(folder: Path, label: str, scanner: Scanner, number: int) -> Path:
    """Write the series of phantom `number` as DICOM files to the new `folder`; returns `folder`."""
    folder.mkdir()
    scan, rng = simulate_scan(label, scanner, (number,)), np.random.default_rng(number)
    write_series(folder, scanner.store(scan.hu), scan.z_mm, scanner, identity=f"P{number}", rng=rng)
    return folder
