"""The whole of pneumofed in one command: phantom hospitals, federated training, report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from client.learning.device_choice import choose_device
from deploy.example_scans import examples
from deploy.progress import Steps
from deploy.simulation.grids import Engine
from deploy.simulation.store_sites import SimulatedHospital, StoreSites
from deploy.simulation.study_run import STATE, train_together, write_results
from preprocessing.phantom.hospital import PhantomHospital, make_hospitals
from preprocessing.phantom.presets import HospitalPlan, federation_plans
from preprocessing.phantom.store import create_store
from preprocessing.prepare import prepare
from preprocessing.processes import cores
from server.model_card import model_card
from server.report.page import Example
from shared_model.constants import LABEL_WORDS, LABELS
from shared_model.errors import PneumofedError
from shared_model.files import atomic_folder
from shared_model.progress import Progress
from shared_model.saved_model import ModelCard
from shared_model.scan_figures import FIGURES
from shared_model.study import StudyConfig, load_study
from shared_model.weights import Weights

TRAINED_ON = "Trained on phantoms only: computed images of no patient. It knows nothing of real disease."


QUICK_TRAINING_SCANS = 14


@dataclass(frozen=True)
class Plan:
    """What a demo makes: phantom hospitals, and a study.

    note: printed at the start; trained_on: printed with every result of the model.
    """

    study: StudyConfig
    hospitals: tuple[HospitalPlan, ...]
    note: str
    trained_on: str = TRAINED_ON


def full_plan(hospitals: str, scans: int | None) -> Plan:
    """The demo on the phantom federation `hospitals`, with `scans` training scans (None: its own number).

    Raises PneumofedError `phantom-preset`, or `phantom-scans` also for fewer than the scan's decision needs.
    """
    note = "This takes about 10 minutes on two processor cores."
    study = load_study("demo")
    if hospitals == "one-class":
        study = _every_hospital_has_a_say(study)
    plans = federation_plans(hospitals, scans)
    _check_enough(study, plans)
    return Plan(study, plans, note)


def _check_enough(study: StudyConfig, plans: Sequence[HospitalPlan]) -> None:
    """Each class must be expected to have as many training scans at some hospital as its sums need."""
    figure_set = study.network.scan_figures
    least = 0 if figure_set is None else math.ceil(2 * len(FIGURES[figure_set]) / study.split.train)
    for label in LABELS:
        most = max(plan.counts[label] for plan in plans if plan.role == "training")
        if most < least:
            raise PneumofedError(
                "phantom-scans",
                f"the scan's decision needs {least} {LABEL_WORDS[label]} scans at one hospital, and there "
                f"would be {most} at most: ask for more --scans, or for --quick",
            )


def _every_hospital_has_a_say(study: StudyConfig) -> StudyConfig:
    """The study for a federation in which no hospital has both classes of a task: its lobe decisions, which
    rank slices, are averages over all hospitals then. The scan's decision does not come from them."""
    stages = tuple(
        stage.model_copy(update={"say": "equal"} if stage.say == "two-class" else {})
        for stage in study.stages
    )
    return study.model_copy(update={"stages": stages})


def quick_plan(hospitals: str, scans: int | None) -> Plan:
    """The same with fewer scans, one of each class at a held-out hospital, and a short study."""
    plans = federation_plans(hospitals, QUICK_TRAINING_SCANS if scans is None else scans)
    few = tuple(
        replace(plan, covid=1, other=1, healthy=1) if plan.role == "held-out" else plan for plan in plans
    )
    note = "The quick demo shows every step; its model may learn little."
    return Plan(
        load_study("demo-quick"), few, note, f"{TRAINED_ON} A quick demo made it: it may have learned little."
    )


def run_demo(
    out: Path,
    *,
    plan: Plan,
    seed: int,
    command: str,
    steps: Steps,
    engine: Engine = "workers",
    device: str = "auto",
) -> dict[str, Any]:
    """Do all steps in the new folder `out`, which appears when everything is done; returns report.json.

    device: as for `choose_device`. Raises PneumofedError `out-exists` if `out` is in use, `no-device`, and
    what the steps raise.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PneumofedError("out-exists", f"{out} is not empty; name a new folder or remove it")
    chosen = choose_device(device)
    study = plan.study.model_copy(update={"seed": seed})
    steps.say(plan.note)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(out) as folder, steps:
        hospitals = _phantoms(folder, plan, seed, steps)
        _prepare(folder, hospitals, seed, steps)
        sites = _sites(folder, hospitals, study, chosen)
        result = train_together(
            folder, sites, steps, engine=engine, trained_on=plan.trained_on, command=command
        )
        shown = _examples(hospitals, result.weights, model_card(result), chosen, steps)
        return write_results(folder, result, steps, shown)


def _phantoms(folder: Path, plan: Plan, seed: int, steps: Steps) -> list[PhantomHospital]:
    with steps.step("phantom hospitals") as progress:
        return make_hospitals(
            plan.hospitals,
            folder / "hospitals",
            seed=seed,
            jobs=cores(),
            progress=progress,
        )


def _prepare(folder: Path, hospitals: Sequence[PhantomHospital], seed: int, steps: Steps) -> None:
    """Each hospital's DICOM into its own store."""
    studies = {h.name: sum(1 for _ in (h.folder / "studies").iterdir()) for h in hospitals}
    with steps.step("preparing scans") as progress:
        before = 0
        for hospital in hospitals:
            store = folder / "stores" / hospital.name
            create_store(store, f"demo {seed} {hospital.name}")
            report = prepare(
                hospital.folder / "studies",
                hospital.folder / "labels.csv",
                store,
                jobs=cores(),
                progress=_shifted(progress, before, sum(studies.values())),
            )
            before += studies[hospital.name]
            if report.rejected:
                steps.say(f"{hospital.name}: {report.rejected} studies set aside ({report.problems[0].code})")


def _sites(
    folder: Path, hospitals: Sequence[PhantomHospital], study: StudyConfig, device: torch.device
) -> StoreSites:
    """The hospitals on their stores. Phantoms are no patients: any count of them may be told."""
    stores = folder / "stores"
    simulated = tuple(SimulatedHospital(h.name, h.role, stores / h.name) for h in hospitals)
    return StoreSites(simulated, study, str(device), 1, folder / STATE)


def _examples(
    hospitals: Sequence[PhantomHospital],
    weights: Weights,
    card: ModelCard,
    device: torch.device,
    steps: Steps,
) -> list[Example]:
    held_out = [hospital for hospital in hospitals if hospital.role == "held-out"]
    with steps.step("example scans") as progress:
        return examples(held_out, weights, card, device, progress)


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    """Of one part of `total`, with `before` done in the parts before it."""
    return lambda done, _: progress(before + done, total)
