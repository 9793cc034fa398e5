"""The coordinator's folder: the paths of keys, certificates, kits and studies."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CoordinatorFolder:
    """STATE of federation.toml.

    ca/ and the keys are secret; if they are lost, every hospital must be provisioned again.
    """

    state: Path

    @property
    def ca_key(self) -> Path:
        return self.state / "ca" / "ca.key"

    @property
    def ca(self) -> Path:
        return self.state / "ca" / "ca.crt"

    def server(self, name: str) -> tuple[Path, Path]:
        """Key and certificate of `edge` (what hospitals see) or `superlink` (loopback)."""
        return self.state / "tls" / f"{name}.key", self.state / "tls" / f"{name}.crt"

    @property
    def superexec_secret(self) -> Path:
        return self.state / "superexec.secret"

    def kit(self, hospital: str) -> Path:
        return self.state / "kits" / f"{hospital}.zip"

    def public_key(self, hospital: str) -> Path:
        """Of a hospital that may take part."""
        return self.state / "hospitals" / f"{hospital}.pub"

    def public_keys(self) -> list[Path]:
        """Of all hospitals that may take part."""
        return sorted((self.state / "hospitals").glob("*.pub"))

    def revoked_key(self, hospital: str, number: int) -> Path:
        return self.state / "revoked" / f"{hospital}.{number}.pub"

    @property
    def database(self) -> Path:
        return self.state / "superlink.db"

    @property
    def flower_home(self) -> Path:
        return self.state / "flower"

    @property
    def proxy(self) -> Path:
        """The proxy's configuration and scratch files."""
        return self.state / "proxy"

    def study(self, fingerprint: str) -> Path:
        return self.state / "studies" / fingerprint
