"""Faults of the way to one hospital, of its clock and of certificates, and a SuperLink that is gone for long.

Real processes; the hospital north is alone behind a line (faulty_line) and goes by a clock of its own
(shifted_clock). After each fault the run goes on, or the same command finishes it, with the bits of the
engine `local`.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import pytest

from deploy.coordinator.settings import load_federation
from shared_model.weights import fingerprint
from tests.support import faulty_line, shifted_clock
from tests.support.deployed_study import (
    DEPLOYED,
    HOSPITALS,
    local_fingerprint,
    propose_and_approve,
    study_file,
    trainings_begun,
)
from tests.support.deployment import Deployment, let_certificate_expire
from tests.support.processes import pneumofed, running, wait_until

pytestmark = DEPLOYED

EPOCHS = 8  # long enough for a fault to come in the middle of them
SUPERLINK_GONE_S = 100.0
CUT_S = 360.0
ONE_WAY_S = 90.0
SLOW_KBIT_S = 100  # the small networks take as many seconds as the full ones take minutes at 1 Mbit/s


class Federation(Deployment):
    """North's machine is elsewhere: behind `line`, with `clock`."""

    def __init__(self, folder: Path, its_line: faulty_line.Line, its_clock: shifted_clock.Clock) -> None:
        super().__init__(
            folder, HOSPITALS, quorum=2, host=faulty_line.HERE, listen=faulty_line.HERE, deadline_minutes=30
        )
        self.line, self.clock = its_line, its_clock

    @cached_property
    def undisturbed(self) -> str:
        """The final weights of the engine `local`, for a study of any name: names decide nothing random."""
        return local_fingerprint(self, study_file(self.folder, "undisturbed", epochs=EPOCHS))

    def prefix(self, name: str) -> list[str]:
        return [*self.line.inside, *self.clock.environment] if name == "north" else []


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    with (
        faulty_line.laid() as its_line,
        Federation.started(folder, its_line, shifted_clock.built(folder)) as deployment,
    ):
        yield deployment


@contextmanager
def in_training(federation: Federation, name: str, *, codes: tuple[int, ...] = (0,)) -> Iterator[None]:
    """The block runs while north trains in a study of this name; the run ends with one of `codes`.

    In the end the study is done, with the weights of an undisturbed run.
    """
    study = study_file(federation.folder, name, epochs=EPOCHS)
    propose_and_approve(federation, study)
    before = trainings_begun(federation, "north")
    out = federation.folder / f"{study.stem}.out"
    with running(pneumofed(*federation.run_arguments(study)), out) as run:
        wait_until(lambda: trainings_begun(federation, "north") > before, seconds=300, what="training")
        yield
        assert run.wait(timeout=1500) in codes, out.read_text()
    federation.wait_until_online(*HOSPITALS)
    weights = federation.weights(federation.run(study))
    assert fingerprint(weights) == federation.undisturbed


def wait_for_status(federation: Federation, words: str, *, seconds: float) -> None:
    wait_until(lambda: words in federation.status(), seconds=seconds, what=words)


@pytest.mark.slow
def test_a_network_that_is_cut_for_six_minutes_costs_time_and_no_bit(federation):
    with in_training(federation, "six-minutes"):
        end = time.monotonic() + CUT_S
        federation.line.lose("to hospital", "to coordinator")
        try:
            wait_for_status(federation, "north (training): offline", seconds=120)
            wait_for_status(federation, "north is not connected since", seconds=120)
            time.sleep(max(0.0, end - time.monotonic()))  # the fault itself
        finally:
            federation.line.lose()


def test_answers_that_are_lost_one_way_cost_time_and_no_bit(federation):
    with in_training(federation, "one-way"):
        federation.line.lose("to hospital")
        try:
            time.sleep(ONE_WAY_S)  # the fault itself
        finally:
            federation.line.lose()


def test_a_slow_line_costs_time_and_no_bit(federation):
    federation.line.slow(SLOW_KBIT_S)
    try:
        with in_training(federation, "slow"):
            pass
    finally:
        federation.line.full_speed()


def test_a_hospital_whose_clock_jumps_ahead_is_back_once_it_is_right(federation):
    with in_training(federation, "ahead"):
        federation.clock.ahead(60)
        try:
            wait_for_status(federation, "north (training): offline", seconds=180)
        finally:
            federation.clock.ahead(0)
    assert "preflight" in federation.log("north")


def test_a_certificate_that_expires_under_running_nodes_is_renewed_and_they_come_back(federation):
    with in_training(federation, "expired"):
        let_certificate_expire(load_federation(federation.file))
        for name in HOSPITALS:
            wait_for_status(federation, f"{name} ({HOSPITALS[name]}): offline", seconds=180)
        assert "has expired, no hospital can connect" in federation.status()
        assert federation.command("coordinator", "renew", federation.file).returncode == 0


@pytest.mark.slow
def test_a_superlink_that_is_gone_for_long_ends_the_run_or_not_and_the_same_command_finishes(federation):
    supervisor = federation.parent("serve", "superlink")
    with in_training(federation, "gone", codes=(0, 1)):
        os.kill(supervisor, signal.SIGSTOP)  # else it would start a new one at once
        try:
            federation.kill("serve", "superlink")
            time.sleep(SUPERLINK_GONE_S)  # the fault itself
        finally:
            os.kill(supervisor, signal.SIGCONT)
