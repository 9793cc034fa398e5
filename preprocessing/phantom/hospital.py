"""Whole hospitals on disk: studies as DICOM, labels.csv, and the truth that no real hospital has."""

import csv
import io
import json
import zipfile
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from preprocessing.phantom.acquisition import Scan, simulate
from preprocessing.phantom.dicom import write_series
from preprocessing.phantom.presets import HospitalPlan, Role, plans
from preprocessing.phantom.scanner import Scanner
from preprocessing.processes import uninterrupted, worker_context
from shared_model.errors import PneumofedError
from shared_model.files import atomic_folder, write_atomically
from shared_model.progress import Progress


@dataclass(frozen=True)
class PhantomHospital:
    """A hospital that was made."""

    name: str
    role: Role
    folder: Path


@dataclass(frozen=True)
class _Order:
    """One scan to make; depends on nothing but the preset's plan, the seed and its own number."""

    folder: Path
    study: str
    label: str
    scanner: Scanner
    seed: tuple[int, ...]
    identity: str

    @property
    def study_folder(self) -> Path:
        return self.folder / "studies" / self.study

    @property
    def truth(self) -> Path:
        return self.folder / "truth" / f"{self.study}.npz"


def make_hospitals(
    preset: str,
    out: Path,
    *,
    scans: int | None,
    seed: int,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[PhantomHospital]:
    """Make a preset's hospitals under `out`; what an earlier run finished is kept, not made again.

    `scans` scales the total over all hospitals (None: the preset's own). A scan depends on seed, hospital and
    its number alone, so `jobs` (processes) does not change it. `progress` is called after each scan.
    Raises PneumofedError "phantom-preset", "phantom-scans" or, for a folder that holds hospitals made with
    another preset, number or seed, "phantom-folder".
    """
    chosen = plans(preset, scans)
    recipe = {"preset": preset, "scans": sum(plan.total for plan in chosen), "seed": seed}
    orders: list[_Order] = []
    for plan in chosen:
        orders += _open_hospital(plan, out / plan.name, recipe, seed)
    _run([order for order in orders if not _is_done(order)], len(orders), jobs, progress)
    return [PhantomHospital(plan.name, plan.role, out / plan.name) for plan in chosen]


def _open_hospital(plan: HospitalPlan, folder: Path, recipe: dict[str, object], seed: int) -> list[_Order]:
    """Write a hospital's fixed files and list its scans; the classes are shuffled over the numbers."""
    card = {"name": plan.name, "role": plan.role, "counts": plan.counts, "made": recipe}
    path = folder / "hospital.json"
    if path.exists() and json.loads(path.read_text()) != card:
        raise PneumofedError(
            "phantom-folder",
            f"{folder.parent} holds phantoms of another preset, number or seed: choose an empty folder",
        )
    for name in ("studies", "truth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    key = zlib.crc32(plan.name.encode())
    labels = [label for label, n in plan.counts.items() for _ in range(n)]
    np.random.default_rng([seed, key]).shuffle(labels)
    orders = [
        _Order(folder, f"s{i:04d}", label, plan.scanner, (seed, key, i), f"P{key % 10**5:05d}{i:04d}-{seed}")
        for i, label in enumerate(labels, start=1)
    ]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([("study", "label"), *((order.study, order.label) for order in orders)])
    write_atomically(folder / "labels.csv", table.getvalue().encode())
    write_atomically(path, (json.dumps(card, indent=2) + "\n").encode())
    return orders


def _is_done(order: _Order) -> bool:
    return order.truth.exists() and order.study_folder.exists()  # both appear whole or not at all


def _run(todo: list[_Order], total: int, jobs: int, progress: Progress | None) -> None:
    done = total - len(todo)
    tell = progress or (lambda done, total: None)
    tell(done, total)
    if jobs == 1 or len(todo) < 2:
        for order in todo:
            _make(order)
            tell(done := done + 1, total)
        return
    with ProcessPoolExecutor(jobs, mp_context=worker_context()) as pool:
        try:
            with uninterrupted():
                waiting = [pool.submit(_make, order) for order in todo]
            for future in as_completed(waiting):
                future.result()
                tell(done := done + 1, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _make(order: _Order) -> None:
    """Make and write one scan."""
    cv2.setNumThreads(1)  # scans run side by side: one core each
    scan = simulate(order.label, order.scanner, order.seed)
    if not order.truth.exists():
        write_atomically(order.truth, _truth(scan))
    if not order.study_folder.exists():
        # Flushing some 40 files a scan is a tenth of the time, and a phantom can be made again.
        with atomic_folder(order.study_folder, flush=False) as folder:
            write_series(
                folder,
                map(order.scanner.store, scan.hu),
                scan.z_mm,
                order.scanner,
                identity=order.identity,
                rng=np.random.default_rng([*order.seed, 99]),
            )


def _truth(scan: Scan) -> bytes:
    """The truth as an .npz file: np.savez_compressed's format at zlib's fastest level."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in (("lungs", scan.lungs), ("infection", scan.infection)):
            entry = zipfile.ZipInfo(f"{name}.npy")  # a fixed date: the same scan gives the same bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()
