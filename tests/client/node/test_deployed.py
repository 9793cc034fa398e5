"""What a deployed node tells of its versions."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flwr.app import Context, RecordDict

from client.hospital_settings import load_hospital_settings
from client.node import deployed
from deploy.coordinator.certificates import new_ca, new_client_certificate, new_key
from shared_model.versions import NAMES, PREPROCESSING, TRAINER, are_versions
from tests.support.hospital_folder import write_hospital_folder


def test_a_node_tells_its_versions_the_kits_and_its_certificates_last_day(tmp_path: Path) -> None:
    site, key = write_hospital_folder(tmp_path), new_key()
    ca = new_ca("test", key)
    certificate = new_client_certificate("north", new_key(), ca, key)
    (tmp_path / "client.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    site.write_text("kit = 7\n" + site.read_text())
    config = deployed.node_config(load_hospital_settings(site))
    assert config["trainer"] == str(tmp_path / "run" / "trainer.sock")
    context = Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})
    told = deployed._versions(context)
    assert are_versions(dict(told)) and set(told) == set(NAMES) - {TRAINER, PREPROCESSING}
    last = x509.load_pem_x509_certificate((tmp_path / "client.crt").read_bytes()).not_valid_after_utc
    assert (told["kit"], told["certificate-until"]) == ("7", last.date().isoformat())
