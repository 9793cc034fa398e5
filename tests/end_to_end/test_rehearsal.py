"""A federation of real processes, from a study's rehearsal to its report, and nothing measured twice."""

import json
from pathlib import Path

import pytest

from shared_model.rehearsal import rehearsal_of
from shared_model.study import load_study
from shared_model.weights import fingerprint
from tests.support.deployed_study import (
    DEPLOYED,
    HOSPITALS,
    local_fingerprint,
    propose_and_approve,
    study_file,
)
from tests.support.deployment import Deployment

pytestmark = DEPLOYED


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    with Deployment.started(tmp_path_factory.mktemp("federation"), HOSPITALS, quorum=2) as deployment:
        yield deployment


def rehearse(federation: Deployment, study: Path, *options: str):
    arguments = ("--study", study, "--trained-on", "Noise.", "--json", *options)
    return federation.command("coordinator", "rehearse", federation.file, *arguments)


def tasks(federation: Deployment, name: str) -> list[str]:
    return [e.facts["task"] for e in federation.audit(name) if e.event == "task"]


def test_a_rehearsal_is_approved_recorded_and_costed_and_leaves_no_weights(federation):
    study = study_file(federation.folder, "planned", rounds=50, epochs=3)
    done = rehearse(federation, study, "--propose")
    assert done.returncode == 0 and set(json.loads(done.stdout)["waits_for"]) == set(HOSPITALS)
    for name in HOSPITALS:
        proposed = federation.audit(name)[-2:]
        assert any(entry.facts.get("name") == "rehearsal of planned" for entry in proposed)
        federation.approve(name)
    done = rehearse(federation, study)
    assert done.returncode == 0, done.stderr
    costs = json.loads(done.stdout)
    folder = Path(costs["costs"]).parent
    assert folder.name == rehearsal_of(load_study(study)).fingerprint
    assert not list(folder.rglob("*.safetensors")) and not (folder / "model").exists()
    document = json.loads(Path(costs["report_json"]).read_text())
    assert document["study"]["name"] == "rehearsal of planned" and not document["partial"]
    assert document["statement"].startswith("This was a rehearsal")
    by_name = {hospital["name"]: hospital for hospital in costs["hospitals"]}
    assert by_name.keys() == HOSPITALS.keys()
    for name in ("north", "south"):
        (stage,) = by_name[name]["stages"]
        assert stage["rounds"] == 50 and stage["problem"] is None
        assert stage["training_s"] > 0 and stage["validation_s"] > 0 and stage["step_ms"] > 0
        assert stage["memory_mb"] >= 64 and stage["gpu_mb"] in (0, stage["gpu_mb"])
        assert by_name[name]["study_s"] > 50 * stage["training_s"]
        assert tasks(federation, name).count("train") == 1
        returned = [e.facts for e in federation.audit(name) if e.event == "returned"]
        assert any(facts.get("cost", {}).get("step_ms") == stage["step_ms"] for facts in returned)
    assert by_name["east"]["stages"] == [] and by_name["east"]["measurement_s"] > 0
    before = {name: len(federation.audit(name)) for name in HOSPITALS}
    assert json.loads(rehearse(federation, study).stdout) == costs  # it is over: nobody is asked again
    assert {name: len(federation.audit(name)) for name in HOSPITALS} == before


def test_a_study_ends_with_its_report_which_the_ledger_gives_again(federation):
    study = study_file(federation.folder, "real", rounds=2)
    propose_and_approve(federation, study)
    done = federation.run(study)
    assert fingerprint(federation.weights(done)) == local_fingerprint(federation, study)
    paths = json.loads(done.stdout)
    assert set(paths) == {"model", "report", "report_json", "figures"}
    document = json.loads(Path(paths["report_json"]).read_text())
    assert not document["partial"] and document["trained_on"] == "Noise."
    assert document["dates"]["started"] < document["dates"]["ended"] and document["software"]["flwr"]
    assert Path(paths["figures"]).read_text().startswith("state,place")
    assert "Not for patients" in Path(paths["report"]).read_text()
    assert Path(paths["model"]).parent == Path(paths["report"]).parent

    before = {name: len(federation.audit(name)) for name in HOSPITALS}
    again = federation.run(study)
    assert json.loads(again.stdout) == paths
    assert {name: len(federation.audit(name)) for name in HOSPITALS} == before
    assert json.loads(Path(paths["report_json"]).read_text()) == document

    out = federation.folder / "copy"
    federation.close()  # the ledger alone is enough
    made = federation.command(
        "coordinator", "report", federation.file, "--study", "real", "--out", out, "--json"
    )
    assert made.returncode == 0, made.stderr
    assert json.loads((out / "report.json").read_text()) == document
    assert json.loads(made.stdout) == {"partial": False} | {
        name: str(out / Path(paths[name]).name) for name in ("report", "report_json", "figures")
    }
