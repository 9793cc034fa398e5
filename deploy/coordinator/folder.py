"""The coordinator's folder: the paths of keys, certificates, kits and studies.

STATE/ca/ca.key, ca.crt          the CA; its key is needed for new certificates alone, keep it offline
STATE/tls/                       keys and certificates of the proxy and of this machine's own processes
STATE/hospitals/NAME.pub, .crt   by which hospitals that may take part are known
STATE/revoked/                   keys that are no longer taken
STATE/kits/NAME.zip              a hospital's kit; delete it once it is handed over
STATE/studies/FINGERPRINT/       a study: ledger, model, status
STATE/noticing                   since when notices are sent, if they are
STATE/superlink.db               what Flower knows of nodes and runs
STATE/superexec.secret           by which the executor is known to SuperLink
STATE/proxy/, STATE/flower/      the proxy's configuration, and what Flower writes
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CoordinatorFolder:
    """STATE of federation.toml.

    The keys are secret. The CA's may be kept elsewhere; if it is lost, all hospitals need new kits.
    """

    state: Path

    @property
    def ca_key(self) -> Path:
        return self.state / "ca" / "ca.key"

    @property
    def ca(self) -> Path:
        return self.state / "ca" / "ca.crt"

    @property
    def edge(self) -> tuple[Path, Path]:
        """Key and certificate of the proxy: what hospitals see."""
        return self.state / "tls" / "edge.key", self.state / "tls" / "edge.crt"

    @property
    def loopback(self) -> Path:
        """The certificate by which the processes of this machine know each other; its key is beside it."""
        return self.state / "tls" / "loopback.crt"

    @property
    def superexec_secret(self) -> Path:
        return self.state / "superexec.secret"

    def kit(self, hospital: str) -> Path:
        return self.state / "kits" / f"{hospital}.zip"

    def public_key(self, hospital: str) -> Path:
        """Of a hospital that may take part."""
        return self.state / "hospitals" / f"{hospital}.pub"

    def certificate(self, hospital: str) -> Path:
        """The certificate with which the proxy admits a hospital that may take part."""
        return self.state / "hospitals" / f"{hospital}.crt"

    def certificates(self) -> list[Path]:
        """Of all hospitals that the proxy admits."""
        return sorted((self.state / "hospitals").glob("*.crt"))

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

    @property
    def admitted(self) -> Path:
        """The part of the proxy's configuration that lists the hospitals' certificates."""
        return self.proxy / "admitted.conf"

    @property
    def noticing(self) -> Path:
        """Since when notices are sent."""
        return self.state / "noticing"

    def study(self, fingerprint: str) -> Path:
        return self.state / "studies" / fingerprint
