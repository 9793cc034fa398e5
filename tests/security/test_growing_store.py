"""A coordinator that asks the same again while a hospital adds patients, and takes the difference."""

from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from client.hospital_settings import HospitalSettings
from client.trainer.approvals import Approvals
from client.trainer.jobs import Describe
from client.trainer.site_factory import SiteFactory
from client.trainer.worker import work
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from tests.support.scripted_sites import ScriptedSiteFactory
from tests.support.small_site import WEIGHTS
from tests.support.small_study import STUDY
from tests.support.stores import disk_store, scan_of

PROPOSAL = Proposal.of(STUDY, WEIGHTS)
SCANS = [
    scan_of(f"{label}-{i}", label, slices=1, fold=0.95) for label in ("covid", "healthy") for i in (0, 1)
]
NEW = scan_of("covid-new", "covid", slices=1, fold=0.96)


@pytest.fixture
def hospital(tmp_path: Path) -> HospitalSettings:
    disk_store(tmp_path / "store", SCANS)
    return HospitalSettings.model_validate(
        {
            "name": "north",
            "store": tmp_path / "store",
            "state": tmp_path / "state",
            "socket": tmp_path / "t.sock",
            "coordinator": {"address": "127.0.0.1:1"},
        }
    )


def opener(hospital: HospitalSettings) -> SiteFactory:
    return SiteFactory(hospital.store, hospital.state, "training", "cpu", 1, threads=1)


def answers(hospital: HospitalSettings) -> list[object]:
    """What a worker that was started anew tells of its patients and their scores."""
    site = opener(hospital)(PROPOSAL)
    return [site.describe().counts["test"], site.evaluate(WEIGHTS, split="test").to_json()]


def test_the_same_question_has_the_same_answer_until_people_approve_again(hospital: HospitalSettings) -> None:
    """The difference was the new patient's class and score. A task that fails starts the worker anew."""
    approvals = Approvals(hospital.state, 10)
    approvals.decide(PROPOSAL, "approved", at=1.0)
    first = answers(hospital)
    LobeStore.open(hospital.store).add(*NEW)
    assert answers(hospital) == first
    approvals.decide(PROPOSAL, "approved", at=2.0)
    assert answers(hospital) != first


def test_a_scan_that_moves_to_another_subgroup_ends_the_study(hospital: HospitalSettings) -> None:
    """The difference of two answers would be its score."""
    divided = Proposal.of(STUDY.model_copy(update={"subgroups": "slice-thickness"}), WEIGHTS)
    store, approvals = LobeStore.open(hospital.store), Approvals(hospital.state, 10)
    for proposal in (PROPOSAL, divided):
        approvals.decide(proposal, "approved", at=1.0)
        opener(hospital)(proposal)
    store.update(replace(store.scan("covid-0"), thickness_mm=1.0))
    opener(hospital)(PROPOSAL)  # tells of no subgroup
    with pytest.raises(PneumofedError) as refused:
        opener(hospital)(divided)
    assert refused.value.code == "scans-changed"


class Line:
    """The worker's end of a pipe on which the same is asked until `asked` is empty."""

    def __init__(self, asked: list[Proposal]) -> None:
        self.asked, self.sent = asked, list[object]()

    def send(self, answer: object) -> None:
        self.sent.append(answer)

    def recv(self) -> tuple[Proposal, Describe]:
        if not self.asked:
            raise EOFError
        return self.asked.pop(), Describe()


def test_a_worker_opens_a_study_anew_when_it_is_approved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would answer with earlier scans, and with later ones once it is started anew."""

    class Counting(ScriptedSiteFactory):
        opened: ClassVar[list[float]] = []
        approved: ClassVar = iter([1.0, 1.0, 2.0])

        def approval_of(self, proposal: Proposal) -> tuple[str, float | None]:
            self.opened.append(next(self.approved))
            return proposal.fingerprint, self.opened[-1]

        def __call__(self, proposal: Proposal) -> Any:
            self.opened.append(0.0)
            return super().__call__(proposal)

    monkeypatch.setattr("client.trainer.worker.signal.signal", lambda *_: None)
    work(cast(Connection, Line([PROPOSAL] * 3)), Counting())
    assert Counting.opened == [1.0, 0.0, 1.0, 2.0, 0.0]


def test_what_is_known_of_scans_is_for_the_trainer_s_user_alone(hospital: HospitalSettings) -> None:
    hospital.state.mkdir(mode=0o700)  # as the trainer makes it when it starts
    opener(hospital)(PROPOSAL)
    (path,) = (hospital.state / "scans").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
