"""The edge proxy: nginx, which admits requests for Flower's Fleet API that show a hospital's certificate.

SuperLink reads a request's whole body before it asks who sent it. So what reaches it is bounded here, and
comes only from hospitals on the list of admitted certificates (docs/decisions/0102).
"""

import shutil
from pathlib import Path

from cryptography import x509

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

CONFIGURATION = """\
# Written by pneumofed; changes are lost. Only Flower's Fleet API may be reached from outside.
daemon off;
worker_processes 2;
worker_shutdown_timeout 120s;  # for a request that began before these files were read again
pid {proxy}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path {proxy}/body;
    proxy_temp_path {proxy}/proxy;
    fastcgi_temp_path {proxy}/fastcgi;
    uwsgi_temp_path {proxy}/uwsgi;
    scgi_temp_path {proxy}/scgi;
    map_hash_bucket_size 128;
    map $ssl_client_serial $hospital {{ default ""; include {admitted}; }}
    limit_conn_zone $hospital zone=requests_at_once:1m;
    limit_req_zone $hospital zone=request_rate:1m rate={rate}r/s;
    upstream superlink {{
        server 127.0.0.1:{superlink_port};
        keepalive 32;
        keepalive_timeout 4s;      # SuperLink closes a connection that is idle for 5 s
    }}
    server {{
        listen {listen} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_client_certificate {ca};
        ssl_verify_client on;
        # A resumed session would be one whose certificate was looked at before.
        ssl_session_cache off;
        ssl_session_tickets off;
        client_max_body_size {body};
        client_header_timeout 10s;     # of the TLS handshake too
        client_body_timeout 60s;       # between two pieces of a body
        send_timeout 60s;
        limit_conn requests_at_once {at_once};
        limit_req zone=request_rate burst={burst} nodelay;
        if ($hospital = "") {{ return 401; }}
        location /v1/fleet/ {{
            limit_except POST {{ deny all; }}
            proxy_pass https://superlink;
            # Nothing is buffered on disk: if nginx was started as root, its workers could not write there.
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_ssl_certificate {loopback};
            proxy_ssl_certificate_key {loopback_key};
            proxy_ssl_trusted_certificate {loopback};
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_read_timeout 120s;
            proxy_next_upstream off;
        }}
        location / {{ return 404; }}
    }}
}}
"""

BODY = "4m"
"""The longest request: Flower sends arrays in pieces of 2 MiB (deploy/environment.py), preflight 4 MB."""
AT_ONCE = 8
"""Requests of a hospital at the same time. Its node has up to four: a heartbeat, a poll and two pieces."""
RATE, BURST = 50, 100
"""Requests of a hospital in a second, and how many more it may have saved up; the rest get 503, and Flower
repeats them. A reply is at most 20 of them at once."""


def write_proxy_configuration(federation: Federation) -> Path:
    """nginx.conf for this federation, with absolute paths."""
    folder = CoordinatorFolder(federation.state)
    key, certificate = folder.edge
    write_admitted(folder)
    listen = f"[{federation.listen}]" if ":" in federation.listen else federation.listen
    text = CONFIGURATION.format(
        proxy=folder.proxy,
        listen=f"{listen}:{federation.port}",
        certificate=certificate,
        key=key,
        ca=folder.ca,
        superlink_port=federation.superlink_port,
        admitted=folder.admitted,
        loopback=folder.loopback,
        loopback_key=folder.loopback.with_suffix(".key"),
        body=BODY,
        at_once=AT_ONCE,
        rate=RATE,
        burst=BURST,
    )
    path = folder.proxy / "nginx.conf"
    write_atomically(path, text.encode())
    return path


def write_admitted(folder: CoordinatorFolder) -> None:
    """List the certificates of the hospitals that may take part: serial number, as nginx writes it, and name.

    A list and not a CRL: a CRL would need the CA's key for every revocation.
    """
    lines = [f'"{_serial(path.read_bytes())}" "{path.stem}";\n' for path in folder.certificates()]
    write_atomically(folder.admitted, "".join(lines).encode())


def _serial(pem: bytes) -> str:
    digits = f"{x509.load_pem_x509_certificate(pem).serial_number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def proxy_command(configuration: Path) -> list[str]:
    """Raises PneumofedError `proxy-missing`."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if nginx is None:
        raise PneumofedError("proxy-missing", "nginx is not installed; install your system's package")
    return [nginx, "-e", "stderr", "-p", str(configuration.parent), "-c", str(configuration)]
