"""A hospital whose files are all right."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from client.hospital_settings import HospitalSettings, load_hospital_settings
from deploy.coordinator.certificates import (
    key_to_pem,
    new_ca,
    new_client_certificate,
    new_key,
    node_key_files,
)
from deploy.join import free_port


@pytest.fixture
def site(tmp_path) -> Path:
    path = tmp_path / "hospital.toml"
    path.write_text(f'name = "north"\n[coordinator]\naddress = "127.0.0.1:{free_port()}"\n')
    (tmp_path / "hospital.key").write_bytes(node_key_files(new_key())[0])
    (tmp_path / "hospital.key").chmod(0o600)
    ca_key, shown_key = new_key(), new_key()
    ca = new_ca("test", ca_key)
    shown = new_client_certificate("north", shown_key, ca, ca_key)
    (tmp_path / "ca.crt").write_bytes(ca.public_bytes(Encoding.PEM))
    (tmp_path / "client.crt").write_bytes(shown.public_bytes(Encoding.PEM))
    (tmp_path / "client.key").write_bytes(key_to_pem(shown_key))
    (tmp_path / "client.key").chmod(0o600)
    return path


@pytest.fixture
def hospital(site) -> HospitalSettings:
    return load_hospital_settings(site)
