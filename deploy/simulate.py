"""A whole study on one's own stores, in one place: `pneumofed simulate`.

OUT/simulation.json          study, hospitals and a digest of their scans: what is resumed is the same
OUT/ledger/, OUT/state/      complete rounds; steps of an unfinished one, privacy ledgers
OUT/report.json, report.html, figures.csv, model/
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.learning.device_choice import choose_device
from deploy.progress import Steps
from deploy.simulation.grids import Engine
from deploy.simulation.store_sites import SimulatedHospital, StoreSites
from deploy.simulation.study_run import STATE, train_together, write_results
from preprocessing.store.lobe_store import LobeStore
from server.strategies.choice import server_step
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive
from shared_model.files import write_atomically
from shared_model.study import StudyConfig

RECORD, LOCK = "simulation.json", "lock"


@dataclass(frozen=True)
class Simulation:
    """What is simulated, and how. device: as for `choose_device`; strategy: as for Ledger."""

    hospitals: tuple[SimulatedHospital, ...]
    study: StudyConfig
    count_floor: int = 10
    engine: Engine = "local"
    device: str = "auto"
    strategy: str | None = None


def run_simulation(out: Path, simulation: Simulation, command: str, steps: Steps) -> dict[str, Any]:
    """Run the study into `out`, or go on where an interrupted run of the same stopped; returns report.json.

    Raises PneumofedError `no-device`, `no-hospitals`, `duplicate-hospital`, `duplicate-store`, `store-empty`,
    `store-fingerprint` and LobeStore's before anything is written; `out-exists`, `study-running` and
    `another-simulation`; and what `train_together` raises.
    """
    device = choose_device(simulation.device)
    server_step(
        simulation.study, simulation.strategy
    )  # a mistyped path is refused before anything is written
    record = _record(simulation)
    if out.exists() and (not out.is_dir() or _is_foreign(out)):
        raise PneumofedError("out-exists", f"{out} is in use; name a new folder or remove it")
    out.mkdir(parents=True, exist_ok=True)
    running = PneumofedError("study-running", f"{out} is being written; wait for it or name another folder")
    with exclusive(out / LOCK, refusal=running), steps:
        _claim(out, record)
        sites = StoreSites(
            simulation.hospitals, simulation.study, str(device), simulation.count_floor, out / STATE
        )
        result = train_together(
            out,
            sites,
            steps,
            engine=simulation.engine,
            trained_on=_trained_on(sites),
            command=command,
            strategy=simulation.strategy,
        )
        return write_results(out, result, steps)


def _record(simulation: Simulation) -> dict[str, Any]:
    """What a resumed run must have in common with the interrupted one; no path. Checks the stores."""
    _check_names(simulation.hospitals)
    return {
        "study": simulation.study.fingerprint,
        "count_floor": simulation.count_floor,
        "strategy": simulation.strategy,
        "hospitals": {
            hospital.name: {"role": hospital.role, "scans": _scans_digest(hospital, simulation.study)}
            for hospital in simulation.hospitals
        },
    }


def _check_names(hospitals: Sequence[SimulatedHospital]) -> None:
    """Each hospital has its own name and its own store, and one trains at least."""
    name, times = Counter(hospital.name for hospital in hospitals).most_common(1)[0]
    if times > 1:
        raise PneumofedError("duplicate-hospital", f"{name!r} is named twice; give each site its own name")
    stores = Counter(hospital.store.resolve() for hospital in hospitals)
    store, times = stores.most_common(1)[0]
    if times > 1:
        raise PneumofedError("duplicate-store", f"{store} is named twice; a hospital has its own scans")
    if all(hospital.role == "held-out" for hospital in hospitals):
        raise PneumofedError("no-hospitals", "no hospital trains; name a --site without :held-out")


def _scans_digest(hospital: SimulatedHospital, study: StudyConfig) -> str:
    """SHA-256 over preprocessing, keys and labels of the hospital's scans."""
    try:
        store = LobeStore.open(hospital.store)
        scans = store.scans()
    except PneumofedError as error:
        raise PneumofedError(error.code, f"{hospital.name}, {hospital.store}: {error}") from error
    if store.fingerprint != study.preprocessing:
        raise PneumofedError(
            "store-fingerprint",
            f"{hospital.name}, {hospital.store}: made with preprocessing {store.fingerprint}, study "
            f"{study.name!r} needs {study.preprocessing}; prepare the scans again",
        )
    if not scans:
        raise PneumofedError(
            "store-empty",
            f"{hospital.name}, {hospital.store}: holds no scan; prepare some or leave this site out",
        )
    lines = [store.fingerprint, *(f"{scan.key} {scan.label}" for scan in scans)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _is_foreign(out: Path) -> bool:
    """Whether the folder holds something, but no simulation."""
    names = {path.name for path in out.iterdir()}
    names = {name for name in names if not name.endswith(".partial")}  # left by a kill while it was written
    return not names <= {LOCK} and RECORD not in names


def _claim(out: Path, record: dict[str, Any]) -> None:
    """Write `record`, or see that the folder's is the same."""
    path, text = out / RECORD, json.dumps(record, indent=1)
    if not path.exists():
        write_atomically(path, text.encode())
    elif json.loads(path.read_text()) != record:
        raise PneumofedError(
            "another-simulation",
            f"{out} holds a simulation of another study, seed, floor, strategy, or of other hospitals or "
            "scans; name a new folder",
        )


def _trained_on(sites: StoreSites) -> str:
    names = [hospital.name for hospital in sites.hospitals if hospital.role == "training"]
    return f"Trained in one place, as a simulation of a federation, on scans of {', '.join(names)}."
