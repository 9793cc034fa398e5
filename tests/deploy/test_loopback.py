"""The certificate for loopback; what it keeps out is tested in security/test_local_users.py."""

import stat
import subprocess
import sys

from cryptography import x509

from deploy.loopback import ensure_certificate

# A server of uvicorn and a client of Flower's in one process, with the TLS of deploy/loopback.
BOTH = """
import sys, threading, time
from pathlib import Path
from deploy.loopback import require_certificate, show_certificate
certificate, other = Path(sys.argv[1]), Path(sys.argv[2])
require_certificate(certificate)
import httpx, uvicorn
from flwr.supercore.runtime import RuntimeHttpClient

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})

config = uvicorn.Config(app, port=0, ssl_certfile=certificate, ssl_keyfile=certificate.with_suffix(".key"),
                        log_level="error", lifespan="off")
server = uvicorn.Server(config)
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
address = "127.0.0.1:%d" % server.servers[0].sockets[0].getsockname()[1]
for shown in (certificate, other):
    show_certificate(shown, trusted=certificate)
    client = RuntimeHttpClient.from_server_address(address, False, None, [])
    try:
        print(client._client.get(f"https://{address}/").text)
    except httpx.TransportError:
        print("refused")
    client.close()
server.should_exit = True
thread.join()
try:
    uvicorn.Config(app, port=0, lifespan="off").load()
except RuntimeError:
    print("refused")
"""


def test_a_certificate_is_made_once_and_its_key_is_its_owners(tmp_path):
    path = tmp_path / "loopback.crt"
    ensure_certificate(path)
    made = path.read_bytes()
    certificate = x509.load_pem_x509_certificate(made)
    certificate.verify_directly_issued_by(certificate)
    assert stat.S_IMODE(path.with_suffix(".key").stat().st_mode) == 0o600
    ensure_certificate(path)
    assert path.read_bytes() == made
    path.with_suffix(".key").unlink()
    ensure_certificate(path)
    assert path.read_bytes() != made


def test_flowers_client_and_uvicorn_know_each_other_by_it(tmp_path):
    for name in ("loopback", "other"):
        ensure_certificate(tmp_path / f"{name}.crt")
    command = [sys.executable, "-c", BOTH, tmp_path / "loopback.crt", tmp_path / "other.crt"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["here", "refused", "refused"], done.stderr
