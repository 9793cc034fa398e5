"""A hospital's kit: one file to hand over, with its key, the CA, its settings and files to start it with."""

import io
import zipfile
from datetime import UTC, datetime
from importlib import resources

from deploy.coordinator.settings import Federation
from shared_model.protocol import Role

HOSPITAL_TOML = """\
# {name} in the federation {federation}. It never leaves the hospital. All settings: docs/federation.md
name = "{name}"
role = "{role}"
store = "store"     # made by `pneumofed hospital prepare`
device = "cpu"      # or "cuda"

[coordinator]
address = "{address}"
ca = "ca.crt"
key = "hospital.key"

[limits]
count_floor = 10    # counts of scans below this are not told
task_minutes = 240
"""

FOR_HOSPITALS = ("compose.yaml", "pneumofed-trainer.service", "pneumofed-node.service")


def make_kit(federation: Federation, name: str, role: Role, *, ca: bytes, key: bytes) -> bytes:
    """The kit as a ZIP file. It holds the hospital's private key: hand it over in person or encrypted."""
    settings = HOSPITAL_TOML.format(
        name=name, role=role, federation=federation.name, address=federation.address
    )
    files = {"hospital.toml": settings.encode(), "ca.crt": ca, "hospital.key": key}
    files |= {file: (resources.files("deploy") / "hospital" / file).read_bytes() for file in FOR_HOSPITALS}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as kit:
        for file, content in files.items():
            entry = zipfile.ZipInfo(f"{name}/{file}", datetime.now(UTC).timetuple()[:6])
            entry.external_attr = (0o600 if file == "hospital.key" else 0o644) << 16
            kit.writestr(entry, content)
    return buffer.getvalue()
