"""A study's life by `coordinator run`, `watch`, `stop` and `status`, with real processes."""

import json
import signal

import pytest

from shared_model.protocol import PROTOCOL
from shared_model.weights import fingerprint
from tests.support.deployed_study import (
    DEPLOYED,
    HOSPITALS,
    local_fingerprint,
    propose_and_approve,
    study_file,
    trainings_begun,
)
from tests.support.deployment import Deployment
from tests.support.processes import pneumofed, running, wait_until

pytestmark = DEPLOYED


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    with Deployment.started(tmp_path_factory.mktemp("life"), HOSPITALS) as deployment:
        yield deployment


def coordinator(federation: Deployment, command: str, *options: str) -> str:
    done = federation.command("coordinator", command, federation.file, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_study_waits_for_approval_and_for_a_paused_hospital_and_is_left_and_stopped(federation):
    study = study_file(federation.folder, "life", epochs=24)
    arguments = federation.run_arguments(study)
    proposed = federation.command(*arguments, "--propose")
    assert proposed.returncode == 0, proposed.stderr
    assert json.loads(proposed.stdout)["waits_for"] == sorted(HOSPITALS)
    assert "proposed, waiting for approval by east, north, south" in federation.status()

    out = federation.folder / "life.out"
    with running(pneumofed(*arguments), out) as run:
        wait_until(lambda: "waiting for approval by" in out.read_text(), seconds=120, what="waiting")
        second = federation.run(study)
        assert second.returncode == 1 and "study-running" in second.stderr and "watch" in second.stderr
        for name in ("north", "south"):
            federation.approve(name)
        wait_until(
            lambda: "waiting for approval by east" in federation.status(), seconds=90, what="two approvals"
        )
        site = federation.site("south")
        assert federation.command("hospital", "pause", "--site", site).returncode == 0
        federation.approve("east")
        wait_until(lambda: "south is paused since" in federation.status(), seconds=120, what="paused")
        assert "waiting for south, 0 of 2 rounds done" in federation.status()
        assert f"protocol {PROTOCOL}" in federation.status() and "certificate for" in federation.status()
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == 130 and "left; the study goes on" in out.read_text()

    watched = federation.folder / "watch.out"
    with running(pneumofed("coordinator", "watch", federation.file), watched) as watch:
        wait_until(lambda: "south is paused since" in watched.read_text(), seconds=60, what="watching")
        assert not trainings_begun(federation, "north")
        assert federation.command("hospital", "resume", "--site", site).returncode == 0
        wait_until(lambda: trainings_begun(federation, "north"), seconds=120, what="training at north")
        assert "ends after round 1 of 2" in coordinator(federation, "stop")
        assert watch.wait(timeout=300) == 1
    assert "study-stopped" in watched.read_text()
    assert "stopped, stage 'lobes', round 1 of 2, 1 of 2 rounds done" in federation.status()
    weights = federation.weights(federation.run(study))
    assert fingerprint(weights) == local_fingerprint(federation, study)


def test_a_study_whose_coordinator_is_gone_is_interrupted_and_goes_on(federation):
    study = study_file(federation.folder, "gone", epochs=8)
    propose_and_approve(federation, study)
    before = trainings_begun(federation, "north")
    with running(pneumofed(*federation.run_arguments(study)), federation.folder / "gone.out"):
        wait_until(lambda: trainings_begun(federation, "north") > before, seconds=240, what="training")
    federation.end("serve")
    said = federation.status()
    assert "not serving" in said and "interrupted, stage 'lobes', round" in said
    stopped = federation.command("coordinator", "stop", federation.file)
    assert stopped.returncode == 1 and "nothing-runs" in stopped.stderr
    federation.serve()
    federation.wait_until_online(*HOSPITALS)
    assert federation.weights(federation.run(study))
    assert "completed, 2 of 2 rounds done" in federation.status()


def test_a_hospital_that_declines_is_named_before_round_1(federation):
    study = study_file(federation.folder, "declined", rounds=1)
    assert federation.command(*federation.run_arguments(study), "--propose").returncode == 0
    for name in ("north", "east"):
        federation.approve(name)
    (waiting,) = (s for s in federation.studies("south") if s["decision"] == "waiting")
    done = federation.command(
        "hospital", "withdraw", waiting["fingerprint"], "--site", federation.site("south")
    )
    assert done.returncode == 0, done.stderr
    refused = federation.run(study)
    assert refused.returncode == 1 and "too-few-hospitals" in refused.stderr
    assert "south: study-declined" in refused.stderr and "2 hospitals must train, 1 can" in refused.stderr
    assert "south has declined the study" in federation.status()
