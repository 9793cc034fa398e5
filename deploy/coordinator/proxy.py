"""The edge proxy: nginx, which admits only the requests of hospitals' nodes and hides the rest of Flower."""

import shutil
from pathlib import Path

from deploy.coordinator.folder import CoordinatorFolder
from deploy.coordinator.settings import Federation
from shared_model.errors import PneumofedError
from shared_model.files import write_atomically

CONFIGURATION = """\
# Written by pneumofed; changes are lost. Only Flower's Fleet API may be reached from outside.
daemon off;
worker_processes 2;
pid {proxy}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path {proxy}/body;
    proxy_temp_path {proxy}/proxy;
    fastcgi_temp_path {proxy}/fastcgi;
    uwsgi_temp_path {proxy}/uwsgi;
    scgi_temp_path {proxy}/scgi;
    server {{
        listen {listen} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        client_max_body_size 64m;      # Flower sends arrays as objects; the largest has 5 MB
        client_body_timeout 60s;
        location /v1/fleet/ {{
            limit_except POST {{ deny all; }}
            proxy_pass https://127.0.0.1:{superlink_port};
            # Nothing is buffered on disk: if nginx was started as root, its workers could not write there.
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_ssl_trusted_certificate {ca};
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_read_timeout 120s;
            proxy_next_upstream off;
        }}
        location / {{ return 404; }}
    }}
}}
"""


def write_proxy_configuration(federation: Federation) -> Path:
    """nginx.conf for this federation, with absolute paths."""
    folder = CoordinatorFolder(federation.state)
    key, certificate = folder.server("edge")
    listen = f"[{federation.listen}]" if ":" in federation.listen else federation.listen
    text = CONFIGURATION.format(
        proxy=folder.proxy,
        listen=f"{listen}:{federation.port}",
        certificate=certificate,
        key=key,
        ca=folder.ca,
        superlink_port=federation.superlink_port,
    )
    path = folder.proxy / "nginx.conf"
    write_atomically(path, text.encode())
    return path


def proxy_command(configuration: Path) -> list[str]:
    """Raises PneumofedError `proxy-missing`."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if nginx is None:
        raise PneumofedError("proxy-missing", "nginx is not installed; install your system's package")
    return [nginx, "-e", "stderr", "-p", str(configuration.parent), "-c", str(configuration)]
