"""Table 1: every shape and the number of parameters; where weights start."""

import pytest
import torch

from shared_model import initial_weights as drawn
from shared_model.errors import PneumofedError
from shared_model.networks import LobeNetwork, make_networks
from shared_model.study import NetworkConfig
from shared_model.synthetic_lobes import draw_synthetic_lobes
from tests.support.initial_weights import initial_networks

FULL = NetworkConfig(init="random")


def test_parameter_count_is_the_papers() -> None:
    network = LobeNetwork(FULL, infection_heads=True)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    # By hand from Table 1: out x in x kernel + out, layer by layer.
    assert counts == {
        "patch_features": 1_792 + 36_928 + 73_856 + 147_584 + 295_168 + 590_080,
        "vicinity_features": 16_448 + 4 * 36_928 + 16_448 + 36_928 + 32_832 + 36_928,
        "attention": 24_704 + 130,
        "lobe": 24_640 + 65,
        "patch_infection": 24_704 + 130,
        "fine_infection": 24_704 + 16_448 + 36_928 + 49_216 + 36_928 + 8_256 + 130,
    }
    assert sum(counts.values()) - counts["fine_infection"] == 1_507_077  # "1.51 M"


def test_shapes_of_every_subnetwork() -> None:
    network = LobeNetwork(FULL, infection_heads=True).eval()
    shapes = {}
    for name, module in network.named_modules():
        module.register_forward_hook(
            lambda _m, _i, out, name=name: shapes.__setitem__(
                name, [tuple(o.shape) for o in out] if isinstance(out, tuple) else getattr(out, "shape", None)
            )
        )
    with torch.inference_mode():
        output = network(torch.rand(1, 3, 256, 256) * 2048, torch.zeros(1, 256, 256), fine=True)
    assert shapes["patch_features"] == [(1, 256, 32, 32), (1, 64, 128, 128), (1, 128, 64, 64)]
    assert shapes["vicinity_features.encode2"] == (1, 64, 16, 16)
    assert shapes["vicinity_features.encode3"] == (1, 64, 8, 8)
    assert shapes["vicinity_features.decode2"] == (1, 64, 16, 16)
    assert shapes["vicinity_features.decode1"] == (1, 64, 32, 32)
    assert shapes["vicinity_features"] == (1, 128, 32, 32)
    assert network.attention[0].in_channels == network.patch_infection[0].in_channels == 385
    assert network.lobe[0].in_features == 384
    assert shapes["fine_infection.decode2"] == (1, 64, 64, 64)
    assert shapes["fine_infection.decode1"] == (1, 64, 128, 128)
    assert output.lobe.shape == (1,) and output.attention.shape == (1, 32, 32)
    assert output.patch.shape == (1, 2, 32, 32) and output.fine.shape == (1, 2, 128, 128)


def test_the_second_network_has_no_infection_heads() -> None:
    covid = make_networks(NetworkConfig(width=1 / 8, init="random"))["covid"]
    output = covid(torch.zeros(1, 3, 256, 256), torch.zeros(1, 256, 256), fine=True)
    assert output.patch is None and output.fine is None


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_the_lobe_logit_starts_near_zero_with_gradients_everywhere(pooling: str) -> None:
    config = NetworkConfig(width=1 / 8, init="random", pooling=pooling)
    network = initial_networks(config, seed=3)["diseased"]
    lobes = draw_synthetic_lobes(torch.Generator().manual_seed(0), 4)  # not those used for scaling
    output = network(lobes.images, lobes.distance, fine=True)
    assert output.lobe.abs().max() < 1
    assert (output.attention > 0).all() and (output.attention < 1).all()
    (output.lobe.sum() + output.patch[:, 1].sum() + output.fine[:, 1].sum()).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_distance_reaches_attention_but_not_the_lobes_features() -> None:
    network = LobeNetwork(NetworkConfig(width=1 / 8, init="random", dropout=0), infection_heads=True)
    images = torch.rand(1, 3, 256, 256) * 1024
    near, far = network(images, torch.zeros(1, 256, 256)), network(images, torch.full((1, 256, 256), 90.0))
    assert not torch.equal(near.attention, far.attention)
    with torch.no_grad():
        network.attention[0].weight[:, -1] = 0
    near, far = network(images, torch.zeros(1, 256, 256)), network(images, torch.full((1, 256, 256), 90.0))
    assert torch.equal(near.lobe, far.lobe)


def test_equal_seeds_build_equal_networks() -> None:
    config = NetworkConfig(width=1 / 16, init="random")
    first, again, other = (drawn.initial_networks(config, seed)["covid"].state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(first[n], again[n]) for n in first)
    assert not torch.equal(first["patch_features.block1.0.weight"], other["patch_features.block1.0.weight"])


def test_vgg16_from_a_file(tmp_path, monkeypatch) -> None:
    from torchvision.models import vgg16

    torch.manual_seed(0)
    vgg = vgg16(weights=None, init_weights=False)
    convolutions = {name: array for name, array in vgg.state_dict().items() if name.startswith("features.")}
    torch.save(convolutions, tmp_path / "vgg16.pth")
    # All other layers are scaled, on fewer lobes than usual: the full network takes 15 s for 24 of them.
    monkeypatch.setattr(drawn, "draw_synthetic_lobes", lambda generator: draw_synthetic_lobes(generator, 2))
    networks = drawn.initial_networks(NetworkConfig(init=str(tmp_path / "vgg16.pth")), seed=0)
    images = torch.rand(1, 3, 64, 64)
    for network in networks.values():
        patches, _, _ = network.patch_features(images)
        # Six convolutions; VGG-16 has a seventh before its third pooling, Table 1 has not.
        torch.testing.assert_close(patches, torch.nn.functional.max_pool2d(vgg.features[:14](images), 2))


def test_a_missing_state_file_is_refused(tmp_path) -> None:
    with pytest.raises(PneumofedError) as refused:
        drawn.initial_networks(NetworkConfig(init=str(tmp_path / "absent.pth")), seed=0)
    assert refused.value.code == "init-missing"
