"""A hospital's kit: one file to hand over, with its keys, the CA, its settings and files to start it with."""

import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources

from deploy.coordinator.settings import Federation
from shared_model.protocol import Role
from shared_model.versions import LATEST_KIT

HOSPITAL_TOML = """\
# {name} in the federation {federation}; never leaves the hospital
name = "{name}"
kit = {kit}             # version of this kit
role = "{role}"
store = "store"     # made by `pneumofed hospital prepare`
device = "cpu"      # or "cuda"

[coordinator]
address = "{address}"
ca = "ca.crt"
key = "hospital.key"
certificate = "client.crt"

[limits]
count_floor = 10    # of fewer patients no count leaves, and nothing is learned
task_minutes = 240
"""

FOR_HOSPITALS = ("compose.yaml", "pneumofed-trainer.service", "pneumofed-node.service")


SECRET = ("hospital.key", "client.key")


@dataclass(frozen=True)
class Kit:
    """What is a hospital's own. ca, certificate (PEM): what it trusts and shows.

    key, tls_key: of its node (OpenSSH) and of the certificate (PEM); each is used for one thing.
    """

    ca: bytes
    key: bytes
    certificate: bytes
    tls_key: bytes

    def pack(self, federation: Federation, name: str, role: Role) -> bytes:
        """The kit as a ZIP file. It holds private keys: hand it over in person or encrypted."""
        settings = HOSPITAL_TOML.format(
            name=name, kit=LATEST_KIT, role=role, federation=federation.name, address=federation.address
        )
        files = {
            "hospital.toml": settings.encode(),
            "ca.crt": self.ca,
            "hospital.key": self.key,
            "client.crt": self.certificate,
            "client.key": self.tls_key,
        }
        for file in FOR_HOSPITALS:
            files[file] = (resources.files("deploy") / "hospital" / file).read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as kit:
            for file, content in files.items():
                entry = zipfile.ZipInfo(f"{name}/{file}", datetime.now(UTC).timetuple()[:6])
                entry.external_attr = (0o600 if file in SECRET else 0o644) << 16
                kit.writestr(entry, content)
        return buffer.getvalue()
