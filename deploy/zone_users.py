"""The two users of a hospital's zones, for a `join` that root starts: who may reach what is checked first."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.hospital_settings import HospitalSettings
from deploy.system_user import SystemUser
from shared_model.errors import PneumofedError

READ, WRITE, ENTER = os.R_OK, os.W_OK, os.X_OK
RUN_MODE = 0o2750
"""Of the socket's folder: the socket gets the folder's group, so the node's user may connect."""

CONTROL_MODE = 0o750
"""Of the folder of the page's socket: closed to the node's user, who is not in the trainer's group."""

Access = tuple[Path, int]
"""A path, and one of READ, WRITE and ENTER."""


@dataclass(frozen=True)
class ZoneUsers:
    """The users as whom node and trainer run."""

    node: SystemUser
    trainer: SystemUser


def zone_users(hospital: HospitalSettings, site: Path) -> ZoneUsers | None:
    """The users that the settings name, with their folders made; None if the settings name none.

    Raises PneumofedError `not-root`, `user-unknown`, `user-unfit`, and `zones-open` with every path that one
    of them can reach and must not, or cannot reach and must.
    """
    if hospital.users is None:
        return None
    if os.geteuid() != 0:
        raise PneumofedError("not-root", f"{site.name} names two users: start join as root, or name none")
    users = ZoneUsers(SystemUser.find(hospital.users.node), SystemUser.find(hospital.users.trainer))
    if users.node.uid == users.trainer.uid or 0 in (users.node.uid, users.trainer.uid):
        raise PneumofedError("zones-open", "node and trainer must be two users, and neither of them root")
    users.node.make_folder(hospital.node, mode=0o700)
    users.trainer.make_folder(hospital.state, mode=0o700)
    users.trainer.make_folder(hospital.socket.parent, mode=RUN_MODE, gid=users.node.gid)
    users.trainer.make_folder(hospital.control.parent, mode=CONTROL_MODE)
    problems = [*_node_problems(hospital, site, users), *_trainer_problems(hospital, site, users.trainer)]
    if problems:
        raise PneumofedError("zones-open", f"{'; '.join(problems)}: see docs/hospital.md")
    return users


def _node_problems(hospital: HospitalSettings, site: Path, users: ZoneUsers) -> Iterator[str]:
    coordinator, run = hospital.coordinator, hospital.socket.parent
    shown = (coordinator.ca, coordinator.key, coordinator.certificate, coordinator.certificate_key)
    needs = [(path, READ) for path in (site, *shown)]
    needs += [(hospital.node, WRITE), (run, ENTER)]
    closed = [(path, mode) for path in (hospital.store, hospital.state) for mode in (READ, WRITE, ENTER)]
    closed += [(path, WRITE) for path in (site, site.parent, run)]
    closed += [(hospital.control.parent, mode) for mode in (READ, ENTER)]
    yield from _wrong(users.node, needs, closed)
    folder = run.stat()
    if folder.st_gid != users.node.gid or folder.st_mode & 0o7777 != RUN_MODE:
        yield f"{run.name} needs the group of {users.node.name} and mode {RUN_MODE:o}"


def _trainer_problems(hospital: HospitalSettings, site: Path, trainer: SystemUser) -> Iterator[str]:
    needs = [(site, READ), (hospital.store, READ), (hospital.store, ENTER)]
    needs += [(hospital.state, WRITE), (hospital.socket.parent, WRITE)]
    needs += [(hospital.control.parent, WRITE)]
    closed = [(hospital.coordinator.key, READ), (hospital.coordinator.certificate_key, READ)]
    closed += [(site, WRITE), (site.parent, WRITE)]
    yield from _wrong(trainer, needs, closed)


def _wrong(user: SystemUser, needs: Sequence[Access], closed: Sequence[Access]) -> Iterator[str]:
    """One line for each path that the user needs and cannot reach, or can reach and must not."""
    found = dict(zip([*needs, *closed], user.may([*needs, *closed]), strict=True))
    yield from dict.fromkeys(f"{user.name} needs {access[0].name}" for access in needs if not found[access])
    yield from dict.fromkeys(f"{user.name} can reach {access[0].name}" for access in closed if found[access])
