"""A study's report from the coordinator's folder: which study is meant, and what is written."""

import json
from pathlib import Path

import pytest

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.report import report, report_paths, study_folder
from deploy.coordinator.settings import Federation, HospitalEntry
from server.status import StatusFile, StudyStatus
from shared_model.errors import PneumofedError
from shared_model.study import StudyConfig
from tests.support.fake_sites import BOTH, study_of
from tests.support.local_rounds import grid_of, run, sites_of


@pytest.fixture
def federation(tmp_path: Path) -> Federation:
    """With the studies "one" and "two" finished, and "begun" without a round."""
    federation = Federation(
        name="f", hosts=("localhost",), state=tmp_path, hospitals=(HospitalEntry(name="a"),)
    )
    for name in ("one", "two"):
        study = named(name)
        run(folder_of(federation, study) / "ledger", grid_of(sites_of(study)), study)
    begun = folder_of(federation, named("begun"))
    (begun / "ledger").mkdir(parents=True)
    StatusFile(begun / "status.json", StudyStatus(study="begun", fingerprint="abcd-efgh-jkmn-pqrs"))
    return federation


def named(name: str) -> StudyConfig:
    return study_of(BOTH).model_copy(update={"name": name})


def folder_of(federation: Federation, study: StudyConfig) -> Path:
    return CoordinatorFolder(federation.state).study(study.fingerprint)


def refusal(federation: Federation, study: str | None) -> str:
    with pytest.raises(PneumofedError) as caught:
        report(federation, study, None)
    return caught.value.code


def test_a_study_is_named_by_name_fingerprint_or_file(federation: Federation, tmp_path: Path) -> None:
    one = folder_of(federation, named("one"))
    assert study_folder(federation, "one") == study_folder(federation, one.name) == one
    assert study_folder(federation, "ABCD EFGH JKMN PQRS").name == named("begun").fingerprint
    file = tmp_path / "one.toml"
    file.write_text(
        'name = "one"\npreprocessing = "p1"\n[network]\nwidth = 0.25\ninit = "random"\n'
        '[[stages]]\nname = "lobes"\nnetworks = ["diseased", "covid"]\nrounds = 3\n'
    )
    assert study_folder(federation, str(file)) == one
    file.write_text(file.read_text().replace("rounds = 3", "rounds = 4"))
    assert refusal(federation, str(file)) == "study-unknown"


def test_without_a_name_there_must_be_one_study(federation: Federation) -> None:
    assert refusal(federation, None) == "study-unknown"
    assert refusal(federation, "three") == "study-unknown"
    assert refusal(federation, "begun") == "no-round-yet"


def test_it_is_written_beside_the_model_or_elsewhere(federation: Federation, tmp_path: Path) -> None:
    folder, document = report(federation, "two", None)
    assert folder == folder_of(federation, named("two"))
    paths = report_paths(folder)
    assert all(Path(path).is_file() for path in paths.values())
    assert json.loads(Path(paths["report_json"]).read_text()) == document
    elsewhere, same = report(federation, "two", tmp_path / "a" / "b")
    assert elsewhere == tmp_path / "a" / "b" and same == document
    assert len(list(elsewhere.iterdir())) == 3


def test_it_stands_beside_another_study_that_is_finished(federation: Federation, tmp_path: Path) -> None:
    folder, other = report(federation, "one", None)
    _, document = report(federation, "two", tmp_path / "both", folder)
    assert document["comparison"]["study"] == other["study"]
    partial = {**other, "partial": True}
    (folder / "report.json").write_text(json.dumps(partial))
    with pytest.raises(PneumofedError, match="not finished"):
        report(federation, "two", tmp_path / "not", folder)
    assert not (tmp_path / "not").exists()
