"""ONNX Runtime gives what torch gives, for any number of lobes, and says whose model it runs."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from client.diagnosis.scan_inference import infer_scan
from client.learning.lobe_tensors import LobeTensors
from deploy.commands.root import main
from deploy.export_model import OPSET, OUTPUTS, export_model
from preprocessing.pipeline import PreparedScan, prepare_series
from preprocessing.reading.series_selection import select_series
from preprocessing.settings import DEFAULT_SETTINGS
from shared_model.constants import TASKS
from shared_model.errors import PneumofedError
from shared_model.network_weights import load_weights
from shared_model.networks import make_networks
from shared_model.saved_model import save_model
from tests.support.diagnosed_scans import card, two_lungs
from tests.support.initial_weights import initial_weights

CLOSE = 1e-4
WEIGHTS = initial_weights(card().study)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx")
    save_model(folder / "model", WEIGHTS, card())
    assert export_model(folder / "model", folder) == (folder / "diseased.onnx", folder / "covid.onnx")
    return folder


def check(exported: Path, scan: PreparedScan, lobes: int) -> None:
    """Compare all outputs with the whole crop's forward, and logits with those of `diagnose`."""
    networks = make_networks(card().study.network)
    load_weights(networks, WEIGHTS)
    diagnosed = infer_scan(scan, networks, dtype=torch.float32)
    tensors = LobeTensors.from_arrays(scan.arrays, torch.device("cpu"))
    images, distance = tensors.images[:lobes], tensors.distance[:lobes].float()
    for task in TASKS:
        session = onnxruntime.InferenceSession(exported / f"{task}.onnx", providers=["CPUExecutionProvider"])
        found = session.run(None, {"images": images.numpy(), "distance": distance.numpy()})
        with torch.no_grad():
            output = networks[task].eval()(images, distance, fine=task == "diseased")
        expected = (output.lobe, output.attention, output.patch, output.fine)[: len(OUTPUTS[task])]
        for name, one, other in zip(OUTPUTS[task], found, expected, strict=True):
            assert one.shape == tuple(other.shape), name
            np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=CLOSE, err_msg=name)
        np.testing.assert_allclose(found[0], diagnosed.logits[task][:lobes], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("lobes", [1, 5])
def test_it_gives_what_torch_gives(exported: Path, lobes: int) -> None:
    check(exported, two_lungs(4), lobes)


@pytest.mark.slow
@pytest.mark.real_data
def test_it_gives_what_torch_gives_on_the_real_scan(exported: Path, real_data: Path) -> None:
    series = select_series(real_data / "chest-ct").required()
    scan = prepare_series(series, DEFAULT_SETTINGS)
    check(exported, scan, len(scan.lobes))


def test_the_file_says_what_it_is(exported: Path) -> None:
    for task in TASKS:
        model = onnx.load(exported / f"{task}.onnx")
        assert [(one.domain, one.version) for one in model.opset_import] == [("", OPSET)]
        said = {one.key: one.value for one in model.metadata_props}
        assert said["study"] == "tiny" and said["research_use_only"] == "true"
        assert "Not a medical device" in said["warning"] and "phantoms" in said["warning"]
        assert said["operating_point"] == "0.5" and len(said["weights_sha256"]) == 64
        sizes = [
            one.type.tensor_type.shape.dim[0].dim_param for one in (*model.graph.input, *model.graph.output)
        ]
        assert set(sizes) == {"lobes"}


def test_the_command(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["export", "--model", str(exported / "model"), "--out", str(tmp_path / "out")])
    assert ending.value.code == 0 and str(tmp_path / "out" / "covid.onnx") in capsys.readouterr().out
    made = (tmp_path / "out" / "diseased.onnx").read_bytes()
    assert made == (exported / "diseased.onnx").read_bytes()


def test_without_a_model_or_without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PneumofedError) as caught:
        export_model(tmp_path, tmp_path / "out")
    assert caught.value.code == "model-missing" and not (tmp_path / "out").exists()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(PneumofedError, match=r"pneumofed\[onnx\]"):
        export_model(tmp_path, tmp_path / "out")
