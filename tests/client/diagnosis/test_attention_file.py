"""attention.npz holds what the networks themselves say of each lobe."""

import io

import numpy as np
import torch

from client.diagnosis.attention_file import attention_npz
from client.diagnosis.diagnose import make_diagnosis
from client.diagnosis.scan_inference import infer_scan
from client.learning.lobe_tensors import LobeTensors
from shared_model.constants import TASKS
from shared_model.network_weights import load_weights
from shared_model.networks import make_networks
from tests.support.diagnosed_scans import card, study, two_lungs
from tests.support.initial_weights import initial_weights


def test_attention_of_both_networks_is_their_own_output() -> None:
    scan, networks = two_lungs(3), make_networks(study().network)
    load_weights(networks, initial_weights(study()))
    torch.manual_seed(1)
    for network in networks.values():  # so that the two differ, and their patches too
        torch.nn.init.normal_(network.attention[-1].weight, std=3.0)
    seen = infer_scan(scan, networks, dtype=torch.float32)
    with np.load(io.BytesIO(attention_npz(make_diagnosis(scan, seen, networks, card())))) as arrays:
        kept = dict(arrays)
    lobes = LobeTensors.from_arrays(scan.arrays, torch.device("cpu"))
    for task in TASKS:
        network = networks[task].eval()
        with torch.no_grad():
            expected = network.decide(network.extract(lobes.images, lobes.distance, fine=False)).attention
        assert kept[task].shape == (6, 32, 32) and kept[task].dtype == np.float16
        np.testing.assert_allclose(kept[task], expected, atol=1e-3)
    assert np.abs(kept["diseased"] - kept["covid"]).max() > 0.01
    assert kept["slice_index"].tolist() == [0, 0, 1, 1, 2, 2] and kept["side"].tolist() == [0, 1] * 3
    # Boxes of 140 x 100: in the crop's middle, not shrunk.
    assert kept["box"][:2].tolist() == [[100, 40, 240, 140], [100, 170, 240, 270]]
    assert (kept["offset"] == [58, 78]).all() and (kept["scale"] == 1).all()
