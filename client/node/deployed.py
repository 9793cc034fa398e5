"""The ClientApp of a hospital's node: it asks the trainer behind the node's configured socket."""

from importlib.metadata import version
from pathlib import Path

from cryptography import x509
from flwr.app import Context, Message

from client.hospital_settings import HospitalSettings
from client.node.app import make_client_app
from client.node.messages import proposal_of, seen_head
from client.node.trainer_client import TrainerClient
from shared_model.protocol import PROTOCOL
from shared_model.versions import (
    CERTIFICATE_UNTIL,
    FLWR,
    KIT,
    NODE,
    PROTOCOL_NUMBER,
    Versions,
    package_version,
)

TRAINER = "trainer"
"""Name in the node's configuration: path of the trainer's socket."""


def node_config(hospital: HospitalSettings) -> dict[str, str]:
    """What the node's app is told: the trainer's socket, the kit's version, its certificate's last day."""
    certificate = x509.load_pem_x509_certificate(hospital.coordinator.certificate.read_bytes())
    return {
        TRAINER: str(hospital.socket),
        KIT: str(hospital.kit),
        CERTIFICATE_UNTIL: f"{certificate.not_valid_after_utc:%Y-%m-%d}",
    }


def _versions(context: Context) -> Versions:
    told = {name: str(context.node_config[name]) for name in (KIT, CERTIFICATE_UNTIL)}
    return {NODE: package_version(), FLWR: version("flwr"), PROTOCOL_NUMBER: str(PROTOCOL), **told}


def _trainer_of(context: Context, message: Message) -> TrainerClient:
    socket = Path(str(context.node_config[TRAINER]))
    return TrainerClient(
        socket, proposal_of(message), deadline_s=message.metadata.ttl, seen=seen_head(message)
    )


app = make_client_app(_trainer_of, _versions)
