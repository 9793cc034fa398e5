"""The whole of pneumofed in one command: phantom hospitals, federated training, report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.learning.malloc_settings import keep_freed_memory
from client.learning.site import Site
from deploy.example_scans import examples
from deploy.progress import Steps
from deploy.simulation.grids import POLL_S, Engine, open_grid
from preprocessing.phantom.hospital import PhantomHospital, make_hospitals
from preprocessing.phantom.presets import hospital_plans
from preprocessing.phantom.store import create_store
from preprocessing.prepare import prepare
from preprocessing.processes import cores
from preprocessing.store.lobe_store import LobeStore
from server import events
from server.app import model_card
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.report.page import write_report
from server.report.report_json import report_document
from server.rounds import run_study
from server.study_result import StudyResult
from shared_model.errors import PneumofedError
from shared_model.files import atomic_folder
from shared_model.initial_weights import initial_weights
from shared_model.progress import Progress
from shared_model.protocol import Role
from shared_model.saved_model import ModelCard, save_model
from shared_model.study import StudyConfig, load_study

TRAINED_ON = "Trained on phantoms only: computed images of no patient. It knows nothing of real disease."


@dataclass(frozen=True)
class Plan:
    """What a demo makes: a preset of phantom hospitals, scans in all (None: the preset's own), a study.

    note: printed at the start; trained_on: printed with every result of the model.
    """

    study: str
    preset: str
    scans: int | None
    note: str
    trained_on: str = TRAINED_ON


FULL = Plan("demo", "demo", None, "This takes about 10 minutes on two processor cores.")
QUICK = Plan(
    "demo-quick",
    "demo",
    20,
    "The quick demo shows every step; its model may learn little.",
    f"{TRAINED_ON} A quick demo made it: it may have learned little.",
)


def run_demo(
    out: Path, *, plan: Plan, seed: int, command: str, steps: Steps, engine: Engine = "local"
) -> dict[str, Any]:
    """Do all steps in the new folder `out`, which appears when everything is done; returns report.json.

    Raises PneumofedError `out-exists` if `out` is in use, and what the steps raise.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PneumofedError("out-exists", f"{out} is not empty; name a new folder or remove it")
    study = load_study(plan.study).model_copy(update={"seed": seed})
    keep_freed_memory()
    steps.say(plan.note)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(out) as folder, steps:
        hospitals = _phantoms(folder, plan, seed, steps)
        _prepare(folder, hospitals, seed, steps)
        result = _train(folder, hospitals, study, engine, steps)
        card = model_card(result, plan.trained_on)
        save_model(folder / "model", result.weights, card)
        return _report(folder, hospitals, result, card, command, steps)


def _phantoms(folder: Path, plan: Plan, seed: int, steps: Steps) -> list[PhantomHospital]:
    with steps.step("phantom hospitals") as progress:
        return make_hospitals(
            hospital_plans(plan.preset, plan.scans),
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


@dataclass(frozen=True)
class PhantomSites:
    """The hospitals on their stores, by name; picklable for worker processes."""

    stores: Path
    roles: tuple[tuple[str, Role], ...]
    study: StudyConfig

    def __call__(self, hospital: str) -> Site:
        return Site(
            LobeStore.open(self.stores / hospital),
            self.study,
            role=dict(self.roles)[hospital],
            device="cpu",
            count_floor=1,  # phantoms are no patients; a hospital does not tell counts below 10
        )


def _train(
    folder: Path, hospitals: Sequence[PhantomHospital], study: StudyConfig, engine: Engine, steps: Steps
) -> StudyResult:
    """All rounds and the final measurement, every hospital on this machine."""
    roles = tuple((hospital.name, hospital.role) for hospital in hospitals)
    weights = initial_weights(study)
    training = sum(role == "training" for _, role in roles)
    requests = events.request_count(study, training=training, held_out=len(roles) - training)
    site_fn = PhantomSites(folder / "stores", roles, study)
    with (
        open_grid(engine, site_fn, list(dict(roles))) as grid,
        steps.step("training together") as progress,
    ):
        return run_study(
            grid,
            study,
            weights,
            ledger=Ledger(folder / "ledger", study, weights),
            policy=RoundPolicy(poll_s=POLL_S, quorum=training),
            on_event=_show_progress(steps, progress, requests),
        )


def _report(
    folder: Path,
    hospitals: Sequence[PhantomHospital],
    result: StudyResult,
    card: ModelCard,
    command: str,
    steps: Steps,
) -> dict[str, Any]:
    with steps.step("example scans") as progress:
        shown = examples([h for h in hospitals if h.role == "held-out"], result.weights, card, progress)
    document = report_document(result, trained_on=card.trained_on, command=command, seconds=steps.seconds)
    write_report(folder, document, shown)
    return document


def _show_progress(steps: Steps, progress: Progress, requests: int) -> events.Listener:
    """A listener that moves the progress bar with each result, and prints failures and validation AUC."""
    done = 0

    def on_event(event: events.Event) -> None:
        """Show one event."""
        nonlocal done
        match event:
            case events.RequestFinished(phase=phase, hospital=hospital, outcome=outcome):
                done += phase != "describe"
                progress(done, requests)
                if outcome.status != "returned":
                    steps.say(f"{hospital}: {phase} {outcome.status} ({outcome.reason})")
            case events.RoundFinished(stage=stage, record=record) if record.validation is not None:
                found = {task: area for task, area in record.auc.items() if area is not None}
                areas = ", ".join(f"{task} {area:.3f}" for task, area in found.items())
                steps.say(f"{stage.name}, round {record.round}: validation AUC {areas or 'undefined'}")

    return on_event


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    """Of one part of `total`, with `before` done in the parts before it."""
    return lambda done, _: progress(before + done, total)
