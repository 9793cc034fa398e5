"""A hospital whose files are all right."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from client.hospital_settings import HospitalSettings, load_hospital_settings
from deploy.coordinator.certificates import new_ca, new_key, node_key_files
from deploy.join import free_port


@pytest.fixture
def site(tmp_path) -> Path:
    path = tmp_path / "hospital.toml"
    path.write_text(f'name = "north"\n[coordinator]\naddress = "127.0.0.1:{free_port()}"\n')
    (tmp_path / "hospital.key").write_bytes(node_key_files(new_key())[0])
    (tmp_path / "hospital.key").chmod(0o600)
    (tmp_path / "ca.crt").write_bytes(new_ca("test", new_key()).public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def hospital(site) -> HospitalSettings:
    return load_hospital_settings(site)
