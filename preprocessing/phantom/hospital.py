"""Writes phantom hospitals to disk: studies as DICOM, labels.csv and ground truth masks."""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from preprocessing.phantom.acquisition import PhantomScan, simulate_scan
from preprocessing.phantom.dicom import write_series
from preprocessing.phantom.disease import LawName
from preprocessing.phantom.presets import HospitalPlan, Role
from preprocessing.phantom.scanner import Scanner
from preprocessing.processes import uninterrupted, worker_context
from shared_model.errors import PneumofedError
from shared_model.files import atomic_folder, write_atomically
from shared_model.progress import Progress


@dataclass(frozen=True)
class PhantomHospital:
    """A phantom hospital on disk."""

    name: str
    role: Role
    folder: Path


@dataclass(frozen=True)
class _ScanPlan:
    """One scan to make; determined by the preset's plan, the seed and the scan's number."""

    folder: Path
    study: str
    label: str
    scanner: Scanner
    law: LawName
    seed: tuple[int, ...]
    identity: str

    @property
    def study_folder(self) -> Path:
        return self.folder / "studies" / self.study

    @property
    def truth(self) -> Path:
        return self.folder / "truth" / f"{self.study}.npz"


def make_hospitals(
    plans: Sequence[HospitalPlan],
    out: Path,
    *,
    seed: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[PhantomHospital]:
    """Make the hospitals `plans` under `out`; scans that an earlier run finished are kept.

    A scan depends only on seed, hospital and its number, not on `jobs` (processes). `progress` is called
    after each scan. Raises PneumofedError "phantom-folder" for a folder that holds hospitals of another plan
    or seed.
    """
    scan_plans: list[_ScanPlan] = []
    for plan in plans:
        scan_plans += _plan_scans(plan, out / plan.name, seed)
    _make_scans(
        [scan_plan for scan_plan in scan_plans if not _is_done(scan_plan)], len(scan_plans), jobs, progress
    )
    return [PhantomHospital(plan.name, plan.role, out / plan.name) for plan in plans]


def _plan_scans(plan: HospitalPlan, folder: Path, seed: int) -> list[_ScanPlan]:
    """Write a hospital's fixed files and list its scans; the classes are shuffled over the numbers."""
    card = {"name": plan.name, "role": plan.role, "counts": plan.counts, "law": plan.law, "seed": seed}
    path = folder / "hospital.json"
    if path.exists() and json.loads(path.read_text()) != card:
        raise PneumofedError(
            "phantom-folder",
            f"{folder.parent} holds phantoms of another preset, number, law or seed: choose an empty folder",
        )
    for name in ("studies", "truth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    key = zlib.crc32(plan.name.encode())
    labels = [label for label, n in plan.counts.items() for _ in range(n)]
    np.random.default_rng([seed, key]).shuffle(labels)
    scan_plans = [
        _ScanPlan(
            folder,
            f"s{i:04d}",
            label,
            plan.scanner,
            plan.law,
            (seed, key, i),
            f"P{key % 10**5:05d}{i:04d}-{seed}",
        )
        for i, label in enumerate(labels, start=1)
    ]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([("study", "label"), *((scan_plan.study, scan_plan.label) for scan_plan in scan_plans)])
    write_atomically(folder / "labels.csv", table.getvalue().encode())
    write_atomically(path, (json.dumps(card, indent=2) + "\n").encode())
    return scan_plans


def _is_done(scan_plan: _ScanPlan) -> bool:
    return scan_plan.truth.exists() and scan_plan.study_folder.exists()  # both are written atomically


def _make_scans(todo: list[_ScanPlan], total: int, jobs: int, progress: Progress | None) -> None:
    done = total - len(todo)
    report = progress or (lambda done, total: None)
    report(done, total)
    if jobs == 1 or len(todo) < 2:
        for scan_plan in todo:
            _make_scan(scan_plan)
            report(done := done + 1, total)
        return
    with ProcessPoolExecutor(jobs, mp_context=worker_context()) as pool:
        try:
            with uninterrupted():
                waiting = [pool.submit(_make_scan, scan_plan) for scan_plan in todo]
            for future in as_completed(waiting):
                future.result()
                report(done := done + 1, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _make_scan(scan_plan: _ScanPlan) -> None:
    """Make and write one scan."""
    cv2.setNumThreads(1)  # scans are made in parallel, one core each
    scan = simulate_scan(scan_plan.label, scan_plan.scanner, scan_plan.seed, scan_plan.law)
    if not scan_plan.truth.exists():
        write_atomically(scan_plan.truth, _truth(scan))
    if not scan_plan.study_folder.exists():
        # Not flushed, which saves a tenth of the time: a lost phantom can be made again.
        with atomic_folder(scan_plan.study_folder, flush=False) as folder:
            write_series(
                folder,
                map(scan_plan.scanner.store, scan.hu),
                scan.z_mm,
                scan_plan.scanner,
                identity=scan_plan.identity,
                rng=np.random.default_rng([*scan_plan.seed, 99]),
            )


def _truth(scan: PhantomScan) -> bytes:
    """Ground truth as .npz bytes: the format of np.savez_compressed at zlib's fastest level."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in (("lungs", scan.lungs), ("infection", scan.infection)):
            entry = zipfile.ZipInfo(f"{name}.npy")  # with a fixed date: equal scans give equal bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()
