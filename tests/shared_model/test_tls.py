"""A client shows its certificate, and believes nobody but whom it was told to."""

import socket
import ssl
import threading

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.coordinator.certificates import (
    key_to_pem,
    new_ca,
    new_client_certificate,
    new_key,
    new_server_certificate,
)
from shared_model.tls import client_context

CA_KEY = new_key()
CA = new_ca("test", CA_KEY)


def written(path, certificate, key):
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    path.with_suffix(".key").write_bytes(key_to_pem(key))
    return path


def seen(context: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """The common name that a server, which asks for a certificate, reads in it."""
    near, far = socket.socketpair()
    names: list[str] = []

    def serve() -> None:
        try:
            with server.wrap_socket(far, server_side=True) as channel:
                names.append(channel.getpeercert()["subject"][0][0][1])
                channel.sendall(b"!")
        except ssl.SSLError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with context.wrap_socket(near, server_hostname="localhost") as channel:
            channel.recv(1)
    finally:
        near.close()
        thread.join()
    return names[0]


def test_both_sides_know_each_other_or_nothing_is_said(tmp_path):
    key, server_key = new_key(), new_key()
    shown = written(tmp_path / "client.crt", new_client_certificate("north", key, CA, CA_KEY), key)
    made = new_server_certificate(["localhost"], server_key, CA, CA_KEY, days=1)
    ca, other = tmp_path / "ca.crt", tmp_path / "other.crt"
    ca.write_bytes(CA.public_bytes(Encoding.PEM))
    other.write_bytes(new_ca("test", new_key()).public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(written(tmp_path / "server.crt", made, server_key), tmp_path / "server.key")
    server.load_verify_locations(ca)
    server.verify_mode = ssl.CERT_REQUIRED
    assert seen(client_context(shown, trusted=ca), server) == "north"
    with pytest.raises(ssl.SSLCertVerificationError):
        seen(client_context(shown, trusted=other), server)


def test_a_certificate_without_its_key_is_an_error(tmp_path):
    key = new_key()
    shown = written(tmp_path / "client.crt", new_client_certificate("north", key, CA, CA_KEY), key)
    with pytest.raises(FileNotFoundError):
        client_context(shown, trusted=tmp_path / "none.crt")
    shown.with_suffix(".key").write_bytes(key_to_pem(new_key()))
    with pytest.raises(ssl.SSLError):
        client_context(shown, trusted=shown)
    shown.with_suffix(".key").unlink()
    with pytest.raises(FileNotFoundError):
        client_context(shown, trusted=shown)
