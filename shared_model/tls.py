"""TLS where both sides show a certificate."""

import ssl
from pathlib import Path


def client_context(certificate: Path, *, trusted: Path) -> ssl.SSLContext:
    """For a client that shows `certificate`, and believes the server that `trusted` is or whose issuer it is.

    Both files are PEM; the private key is beside `certificate`, its name ending in .key.

    Raises OSError if a file is missing; ssl.SSLError, which is one, if it is unreadable or they do not match.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trusted)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context
