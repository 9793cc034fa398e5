"""Keys, certificates and kits, checked with OpenSSL and by the rules they are made for."""

import json
import ssl
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_private_key

from client.hospital_settings import load_hospital_settings
from deploy.coordinator import certificates
from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.proxy import write_proxy_configuration
from deploy.coordinator.settings import load_federation
from tests.support.coordinator_command import FEDERATION, coordinator


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "federation.toml"
    path.write_text(FEDERATION)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def openssl(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)


def test_provisioning_again_changes_nothing_and_adds_only_new_hospitals(file, capsys):
    code, text = coordinator(capsys, "provision", file, "--json")
    made = json.loads(text)
    assert code == 0 and made["new_ca"] and len(made["kits"]) == 3
    state = file.parent / "coordinator"
    before = tree(state)
    again = json.loads(coordinator(capsys, "provision", file, "--json")[1])
    assert again == {"new_ca": False, "ca_key": str(state / "ca" / "ca.key"), "kits": []}
    assert tree(state) == before
    file.write_text(FEDERATION + '[[hospitals]]\nname = "west"\n')
    assert [
        Path(kit).name for kit in json.loads(coordinator(capsys, "provision", file, "--json")[1])["kits"]
    ] == ["west.zip"]
    after = tree(state)
    assert {name for name in before if after[name] != before[name]} == {"proxy/admitted.conf"}


def test_a_lost_ca_is_not_replaced_behind_ones_back(file, capsys):
    coordinator(capsys, "provision", file)
    (file.parent / "coordinator" / "ca" / "ca.crt").unlink()
    before = tree(file.parent / "coordinator")
    code, text = coordinator(capsys, "provision", file)
    assert code == 1 and "ca-incomplete" in text and "backup" in text
    assert tree(file.parent / "coordinator") == before


def test_the_cas_key_is_asked_for_where_it_is_needed_and_nowhere_else(file, capsys):
    made = coordinator(capsys, "provision", file)[1]
    folder = CoordinatorFolder(file.parent / "coordinator")
    assert str(folder.ca_key) in made and "move it to a medium" in made
    key = folder.ca_key.read_bytes()
    folder.ca_key.unlink()
    before = tree(folder.state)
    code, text = coordinator(capsys, "provision", file)
    assert code == 0 and "ca.key" not in text
    write_proxy_configuration(load_federation(file))
    file.write_text(FEDERATION + '[[hospitals]]\nname = "west"\n')
    for command in (["provision"], ["renew"], ["kit", "north"]):
        code, text = coordinator(capsys, command[0], file, *command[1:])
        assert code == 1 and "error [ca-key-offline]" in text and str(folder.ca_key) in text
    assert {name: held for name, held in tree(folder.state).items() if name in before} == before
    assert coordinator(capsys, "revoke", file, "north")[0] == 0
    folder.ca_key.write_bytes(certificates.key_to_pem(certificates.new_key()))
    code, text = coordinator(capsys, "kit", file, "north")
    assert code == 1 and "error [ca-incomplete]" in text and "is not the key of" in text
    folder.ca_key.write_bytes(key)
    assert coordinator(capsys, "provision", file)[0] == coordinator(capsys, "kit", file, "north")[0] == 0
    assert folder.kit("west").exists() and folder.kit("north").exists()


def test_openssl_trusts_the_server_by_each_of_its_names_and_by_no_other(file, capsys):
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(file.parent / "coordinator")
    key, certificate = folder.edge
    verify = ("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder.ca)
    for name in (("-verify_hostname", "fed.example.org"), ("-verify_ip", "192.0.2.7")):
        done = openssl(*verify, *name, certificate)
        assert done.returncode == 0, done.stderr
    assert openssl(*verify, "-verify_hostname", "example.org", certificate).returncode != 0
    assert openssl(*verify, "-verify_hostname", "localhost", certificate).returncode != 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)  # raises where they do not match
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_renewing_keeps_ca_and_keys_and_gives_a_later_certificate(file, capsys):
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(file.parent / "coordinator")
    before, old = tree(folder.state), x509.load_pem_x509_certificate(folder.edge[1].read_bytes())
    file.write_text(FEDERATION.replace("fed.example.org", "new.example.org"))
    assert coordinator(capsys, "renew", file)[0] == 0
    after, new = tree(folder.state), x509.load_pem_x509_certificate(folder.edge[1].read_bytes())
    assert {name for name in after if after[name] != before.get(name)} == {"tls/edge.crt"}
    assert new.serial_number != old.serial_number and new.not_valid_after_utc >= old.not_valid_after_utc
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["new.example.org"]


def test_secrets_are_for_their_owner_alone(file, capsys):
    coordinator(capsys, "provision", file)
    state = file.parent / "coordinator"
    for secret in ("ca/ca.key", "tls/edge.key", "tls/loopback.key", "superexec.secret", "kits/north.zip"):
        assert stat.S_IMODE((state / secret).stat().st_mode) == 0o600, secret


def test_a_kit_is_a_hospital_that_can_start(file, capsys, tmp_path):
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(file.parent / "coordinator")
    with zipfile.ZipFile(folder.kit("east")) as kit:
        assert all(name.startswith("east/") for name in kit.namelist())
        kit.extractall(tmp_path)
        for secret in ("hospital.key", "client.key"):
            assert kit.getinfo(f"east/{secret}").external_attr >> 16 == 0o600
    hospital = load_hospital_settings(tmp_path / "east" / "hospital.toml")
    assert (hospital.name, hospital.role) == ("east", "held-out")
    assert hospital.coordinator.address == "fed.example.org:8443"
    assert hospital.coordinator.ca.read_bytes() == folder.ca.read_bytes()
    private = load_ssh_private_key(hospital.coordinator.key.read_bytes(), password=None)
    public = load_pem_public_key(folder.public_key("east").read_bytes())
    assert private.public_key().public_numbers() == public.public_numbers()
    shown = hospital.coordinator.certificate
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(shown, shown.with_suffix(".key"))
    verify = ("verify", "-x509_strict", "-CAfile", folder.ca)
    assert openssl(*verify, "-purpose", "sslclient", shown).returncode == 0
    assert openssl(*verify, "-purpose", "sslserver", shown).returncode != 0
    assert openssl("x509", "-in", shown, "-noout", "-subject").stdout.strip().endswith("east")
    certified = x509.load_pem_x509_certificate(shown.read_bytes()).public_key()
    assert certified.public_numbers() != public.public_numbers()
    keys = {folder.public_key(name).read_bytes() for name in ("north", "south", "east")}
    assert len(keys) == 3


def test_who_lost_a_kit_gets_another_key_and_the_old_one_is_out(file, capsys):
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(file.parent / "coordinator")
    old = folder.public_key("north").read_bytes()
    assert coordinator(capsys, "kit", file, "north")[0] == 0
    assert folder.public_key("north").read_bytes() != old
    assert [path.read_bytes() for path in (folder.state / "revoked").iterdir()] == [old]
    code, text = coordinator(capsys, "kit", file, "nowhere")
    assert code == 1 and "hospital-unknown" in text


def test_a_revoked_hospital_has_no_certificate_no_kit_and_gets_none_by_provisioning(file, capsys):
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(file.parent / "coordinator")
    assert '"north"' in folder.admitted.read_text()
    assert coordinator(capsys, "revoke", file, "north")[0] == 0
    for _ in range(2):
        assert not folder.certificate("north").exists() and not folder.kit("north").exists()
        assert folder.admitted.read_text().count(";") == 2 and '"north"' not in folder.admitted.read_text()
        assert coordinator(capsys, "provision", file)[0] == 0


@pytest.mark.parametrize("command", ["revoke", "kit"])
@pytest.mark.parametrize("name", ["nowhere", "../hospitals/north", "n*", "", ".", "North", "north\n"])
def test_a_name_that_is_no_hospital_is_refused_and_touches_no_file(file, capsys, command, name):
    coordinator(capsys, "provision", file)
    before = tree(file.parent)
    code, text = coordinator(capsys, command, file, "--", name)
    assert code == 1 and "error [hospital-unknown]" in text
    assert tree(file.parent) == before


@pytest.mark.parametrize("command", [["revoke", "north"], ["kit", "north"], ["renew"]])
def test_nothing_can_be_changed_before_it_is_provisioned(file, capsys, command):
    code, text = coordinator(capsys, command[0], file, *command[1:])
    assert code == 1 and "error [not-provisioned]" in text
    assert not (file.parent / "coordinator").exists()


def test_a_hospital_that_left_the_file_can_still_be_revoked(file, capsys):
    coordinator(capsys, "provision", file)
    folder = CoordinatorFolder(file.parent / "coordinator")
    file.write_text(FEDERATION.replace('[[hospitals]]\nname = "south"\n', "").replace("= 2", "= 1"))
    assert coordinator(capsys, "revoke", file, "south")[0] == 0
    assert not folder.public_key("south").exists()
