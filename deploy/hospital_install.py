"""`pneumofed hospital install`: a hospital's node and trainer as two services of systemd, as two users."""

from collections.abc import Callable, Iterator
from pathlib import Path

from client.hospital_settings import HospitalSettings, Users, load_hospital_settings
from deploy.environment import BIN
from deploy.install_steps import NODE_USER, TRAINER_USER, Plan
from deploy.join import LOCK, check_node
from deploy.service_units import NODE_UNIT, TRAINER_UNIT, path_problems, site_of
from deploy.shell_steps import UNIT_FOLDER, check_root, do_steps
from deploy.zone_users import zone_users
from shared_model.errors import PneumofedError
from shared_model.file_lock import exclusive


def plan_install(site: Path, target: Path) -> Plan:
    """What `install` does for the kit in the folder of `site`, to be found by the services in `target`.

    A hospital.toml in `target` is kept, so it decides. Raises PneumofedError `kit-missing` and as
    `load_hospital_settings` does.
    """
    found = load_hospital_settings(site)
    check_node(found)
    source, target = site.resolve().parent, target.resolve()
    kept = target / "hospital.toml"
    hospital = load_hospital_settings(kept) if kept.is_file() else _moved(found, source, target)
    if hospital.name != found.name:
        raise PneumofedError(
            "another-hospital",
            f"{target} is of the hospital {hospital.name}, this kit of {found.name}: one hospital a machine",
        )
    return Plan(source, hospital, target, BIN / "pneumofed")


def install(plan: Plan, say: Callable[[str], object]) -> None:
    """Do every step, each of which `say` is told, then try what both users may reach.

    Raises PneumofedError `not-root`, `another-hospital`, `install-unfit`, `already-joined`, `install-failed`,
    and `zones-open` or `user-unfit` as `zone_users` does.
    """
    check_root()
    _refuse_another_hospital(plan)
    problems = list(_problems(plan))
    if problems:
        raise PneumofedError("install-unfit", "; ".join(problems))
    joined = PneumofedError("already-joined", "this hospital takes part by `join`: end that one first")
    with exclusive(plan.source / LOCK, refusal=joined):
        do_steps(plan.steps(), say)
    users = Users(node=NODE_USER, trainer=TRAINER_USER)
    zone_users(plan.hospital.model_copy(update={"users": users}), plan.target / "hospital.toml")


def _moved(hospital: HospitalSettings, source: Path, target: Path) -> HospitalSettings:
    """The settings with every path below `source` below `target` instead."""

    def place(path: Path) -> Path:
        return target / path.relative_to(source) if path.is_relative_to(source) else path

    kit = hospital.coordinator
    files = {name: place(getattr(kit, name)) for name in ("ca", "key", "certificate")}
    folders = {
        name: place(getattr(hospital, name)) for name in ("store", "state", "node", "socket", "control")
    }
    return hospital.model_copy(update={**folders, "coordinator": kit.model_copy(update=files)})


def _refuse_another_hospital(plan: Plan) -> None:
    for name in (TRAINER_UNIT, NODE_UNIT):
        unit = UNIT_FOLDER / name
        other = site_of(unit.read_text()) if unit.is_file() else plan.target / "hospital.toml"
        if other != plan.target / "hospital.toml":
            raise PneumofedError(
                "another-hospital",
                f"{unit} starts {other}, not {plan.target}/hospital.toml: remove it, or use its folder",
            )


def _problems(plan: Plan) -> Iterator[str]:
    """What would end with services that cannot work."""
    if not plan.program.is_file():
        yield f"{plan.program} is not there: install pneumofed with pip"
    hospital = plan.hospital
    sockets = (hospital.socket, hospital.control)
    places = (hospital.store, hospital.state, hospital.node, *sockets)
    yield from path_problems((plan.program, plan.target, *places))
    moved = dict(plan.moved())
    for before, after in moved.items():
        if before.exists() and after.is_dir() and any(after.iterdir()):
            yield f"there are two folders {after.name}, {before} and {after}: keep one"
    origins = {after: before for before, after in moved.items()}
    if not any(path.exists() for path in (hospital.store, origins.get(hospital.store)) if path):
        yield "there is no store yet: run `pneumofed hospital prepare` first"
