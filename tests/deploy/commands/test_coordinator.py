"""What `coordinator run` and `status` make of what Flower and the study say."""

from deploy.coordinator.settings import load_federation
from deploy.coordinator.status import status_document
from server.status import StatusFile, StudyStatus
from tests.support.coordinator_command import FEDERATION, coordinator

NEW = StudyStatus(study="s", fingerprint="f")


def test_status_says_it_when_nothing_serves(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION + "\n")
    coordinator(capsys, "provision", file)
    folder = tmp_path / "coordinator" / "studies" / "f"
    folder.mkdir()
    StatusFile(folder / "status.json", NEW)
    code, text = coordinator(capsys, "status", file)
    assert code == 0 and "not serving" in text and "south (training): shut out" in text
    document = status_document(load_federation(file))
    assert not document["serving"] and document["studies"][0]["state"] == "starting"


def test_serving_before_provisioning_is_refused(tmp_path, capsys):
    file = tmp_path / "federation.toml"
    file.write_text(FEDERATION)
    code, text = coordinator(capsys, "serve", file)
    assert code == 1 and "not-provisioned" in text
