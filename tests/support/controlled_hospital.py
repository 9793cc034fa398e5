"""A hospital whose trainer serves both sockets, with scans, a proposed study and planted names."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from client.control.look import Looker, look_at
from client.control.recent_lines import RecentLines
from client.control.trainer_process import serving_control
from client.hospital_settings import HospitalSettings, load_hospital_settings
from client.records.audit import AuditLog
from client.trainer.approvals import Approvals
from client.trainer.server import serving
from client.trainer.study_decisions import PROPOSED
from shared_model.proposal import Proposal
from tests.support.processes import wait_until
from tests.support.scripted_sites import ScriptedSiteFactory
from tests.support.stores import disk_store, scan_of

PATIENT, UID = "Doe^Jane", "1.2.840.113619.2.55.3"
FLOOR = 3


def written_hospital(folder: Path, settings: str = "") -> HospitalSettings:
    """Settings, and a store below a folder of a patient's name: 4 covid, 3 other, 1 healthy patients."""
    place = folder / PATIENT
    labels = ["covid"] * 4 + ["other"] * 3 + ["healthy"]
    disk_store(place / "store", [scan_of(f"{i}", label, slices=1) for i, label in enumerate(labels)])
    _write_refused(place / "store" / "rejected.csv")
    _write_doubts(place / "store", [str(i) for i in range(4)])
    site = folder / "hospital.toml"
    site.write_text(
        f'name = "north"\nstore = "{place}/store"\nstate = "s"\nsocket = "r/t.sock"\ncontrol = "c/c.sock"\n'
        f'[coordinator]\naddress = "fed.example.org:443"\n[limits]\ncount_floor = {FLOOR}\n{settings}'
    )
    return load_hospital_settings(site)


def propose(hospital: HospitalSettings, proposal: Proposal) -> None:
    """As the trainer does when the coordinator proposes."""
    hospital.state.mkdir(exist_ok=True, mode=0o700)
    Approvals(hospital.state, hospital.limits.count_floor).receive(proposal)
    AuditLog(hospital.state).write(PROPOSED, study=proposal.fingerprint, name=proposal.study.name)


@contextmanager
def controlled(hospital: HospitalSettings) -> Iterator[RecentLines]:
    """The trainer with both sockets and a look that has been made, until the block ends."""
    lines, looker = RecentLines(), Looker(partial(look_at, hospital))
    looker.again()
    wait_until(lambda: looker.latest()[0] is not None, seconds=120, what="the look")
    with serving(hospital, ScriptedSiteFactory()), serving_control(hospital, looker, lines):
        yield lines


def _write_refused(path: Path) -> None:
    """5 rows refused as not-a-chest, one of them for two reasons, 1 as too-few-slices."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["labels_row", "code", "reason"])
        writer.writerows((row, "not-a-chest", f"{PATIENT} shows no chest") for row in range(2, 7))
        writer.writerow((2, "not-a-chest", f"/archive/{PATIENT}/{UID}"))
        writer.writerow((9, "too-few-slices", PATIENT))


def _write_doubts(store: Path, keys: list[str]) -> None:
    """A sudden change in the scans `keys`, and in the first of them a missing side."""
    (store / "sheets").mkdir()
    for key in keys:
        kinds = ["sudden-change"] + (["side-missing"] if key == keys[0] else [])
        doubts = [{"slice": 0, "kind": kind, "ml": 3.0} for kind in kinds]
        (store / "sheets" / f"{key}.jpg").write_bytes(b"")
        (store / "sheets" / f"{key}.json").write_text(json.dumps({"rules": 1, "slices": 1, "doubts": doubts}))
