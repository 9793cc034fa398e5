"""A hospital as two processes: the trainer in a network namespace without an interface, the node outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from client.hospital_settings import load_hospital_settings
from client.learning.site import Site
from client.node.trainer_client import TrainerClient
from client.trainer.site_factory import SiteFactory
from preprocessing.store.lobe_store import LobeStore
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError
from shared_model.network_weights import to_weights
from shared_model.networks import make_networks
from shared_model.proposal import Proposal
from shared_model.protocol import EvaluateRequest, TrainRequest
from shared_model.weights import to_bytes
from tests.support.approved_study import approve
from tests.support.hospital_folder import write_hospital_folder
from tests.support.processes import pneumofed, running, wait_until
from tests.support.small_site import WEIGHTS
from tests.support.small_study import STUDY

OUTWARD = """
import json, socket
failures = []
for family, address in ((socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET, ("192.0.2.1", 443)),
                        (socket.AF_INET6, ("2001:db8::1", 443))):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as one:
            one.settimeout(2)
            try:
                one.connect(address)
            except OSError as error:
                failures.append(error.errno)
print(json.dumps(failures))
"""


def without_network() -> list[str]:
    """The start of a command that takes the network away, or a skip where that is not permitted."""
    command = ["unshare", "-n"]
    try:
        permitted = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        permitted = False
    if not permitted:
        pytest.skip("network namespaces are not permitted here")
    return command


def test_the_trainer_trains_without_a_network_to_the_same_bits(tmp_path):
    unshare = without_network()
    site = write_hospital_folder(tmp_path)
    hospital = load_hospital_settings(site)
    proposal = Proposal.of(STUDY, WEIGHTS)
    approve(hospital.state, proposal)
    command = pneumofed("hospital", "trainer", "--site", site)
    with running(command, tmp_path / "log", prefix=unshare) as trainer:
        wait_until(hospital.socket.exists, seconds=60, what=(tmp_path / "log").read_text())
        far = TrainerClient(hospital.socket, proposal, deadline_s=120)
        described, result = far.describe().answer, far.train(to_bytes(WEIGHTS), TrainRequest(0, 1)).answer
        scores = far.evaluate(to_bytes(WEIGHTS), EvaluateRequest("test", TASKS)).answer
        looking = ["nsenter", "--net", "--target", str(trainer.pid), sys.executable, "-c", OUTWARD]
        failures = json.loads(subprocess.run(looking, capture_output=True, check=True, text=True).stdout)
        interfaces = Path(f"/proc/{trainer.pid}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    assert len(failures) == 6 and 0 not in failures
    assert trainer.returncode == 0 and not hospital.socket.exists()

    near = Site(LobeStore.open(tmp_path / "store"), STUDY, role="training", device="cpu", count_floor=1)
    expected = near.train(WEIGHTS, stage=0, round=1)
    assert result.weights == to_bytes(expected.weights)
    assert (result.scans, result.loss) == (expected.scans, expected.loss)
    assert described == near.describe().to_text()
    assert scores == near.evaluate(WEIGHTS, split="test").to_text()


def test_another_architecture_or_device_is_refused_by_code(tmp_path):
    write_hospital_folder(tmp_path)
    wide = STUDY.model_copy(update={"network": STUDY.network.model_copy(update={"width": 0.125})})
    proposal = Proposal.of(STUDY, to_weights(make_networks(wide.network)))
    with pytest.raises(PneumofedError) as caught:
        SiteFactory(tmp_path / "store", tmp_path, "training", "cpu", 1)(proposal)
    assert caught.value.code == "architecture-mismatch"
    if not torch.cuda.is_available():
        with pytest.raises(PneumofedError) as caught:
            SiteFactory(tmp_path / "store", tmp_path, "training", "cuda:0", 1)(proposal)
        assert caught.value.code == "no-device"
