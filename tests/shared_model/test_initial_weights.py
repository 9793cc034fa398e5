"""Initial weights: layers scaled on synthetic lobes, and lobe decisions that start from the patches."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_cdt

from shared_model import initial_weights as drawn
from shared_model.initial_weights import start_from_patches
from shared_model.layer_scaling import scale_layers
from shared_model.network_weights import load_weights
from shared_model.networks import LobeNetwork, make_networks
from shared_model.protocol import is_trained
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.synthetic_lobes import draw_synthetic_lobes
from shared_model.threads import one_thread
from shared_model.weights import Weights
from tests.support.initial_weights import initial_networks, initial_weights

CONFIG = NetworkConfig(width=1 / 8, dropout=0.5, pooling="mean", init="random")
STAGE = StageConfig(name="s", networks=("diseased", "covid"), rounds=1)
STUDY = StudyConfig(name="test", seed=4, preprocessing="p", network=CONFIG, stages=(STAGE,))


def lobes(seed: int = 0):
    return draw_synthetic_lobes(torch.Generator().manual_seed(seed))


def outputs(network: LobeNetwork, drawn) -> dict[str, torch.Tensor]:
    """The output of every layer with weights, by its name."""
    found: dict[str, torch.Tensor] = {}
    for name, layer in network.named_modules():
        if hasattr(layer, "weight"):
            layer.register_forward_hook(lambda _m, _i, out, name=name: found.__setitem__(name, out))
    with torch.inference_mode():
        network.eval()(drawn.images, drawn.distance, fine=True)
    return found


def test_lobes_are_lobes_with_the_distance_of_manhattan() -> None:
    drawn = lobes()
    assert drawn.images.shape == (24, 3, 256, 256) and drawn.distance.shape == (24, 256, 256)
    assert drawn.images.min() >= 0 and drawn.images.max() <= 2048
    assert (drawn.images[:, :, 0, 0] == 0).all(), "lobes lie on black"
    for distance in drawn.distance.numpy():
        counted = distance_transform_cdt(distance > 0, metric="taxicab")
        assert np.abs(counted - distance).max() <= 2  # pixels; the drawn one is not rounded
    again, other = lobes(), lobes(1)
    assert torch.equal(drawn.images, again.images) and not torch.equal(drawn.images, other.images)


def test_every_layer_starts_with_mean_0_and_variance_1_on_the_lobes() -> None:
    network = initial_networks(CONFIG, seed=STUDY.seed)["diseased"]
    generator = torch.Generator().manual_seed(2 * STUDY.seed)
    fresh = make_networks(CONFIG)["diseased"]
    for layer in fresh.modules():  # the same draws, so that the same lobes follow
        if hasattr(layer, "weight"):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    decisions = {name for name, layer in network.named_modules() if layer in network.output_layers()}
    assert decisions == {"lobe.3", "attention.3", "patch_infection.3", "fine_infection.decide.4"}
    for name, out in outputs(network, draw_synthetic_lobes(generator)).items():
        over = [d for d in range(out.dim()) if d != 1]
        if name in decisions:
            assert out.abs().max() < 3
            continue
        assert out.mean(over).abs().max() < 1e-2, name
        alive = out.std(over) > 1e-3
        assert alive.float().mean() > 0.9, name
        assert (out.std(over)[alive] - 1).abs().max() < 0.05, name


def test_no_hidden_unit_of_the_lobe_decider_is_always_on_or_off() -> None:
    """Also on other lobes than those used for scaling."""
    network = initial_networks(CONFIG, seed=STUDY.seed)["diseased"]
    on = (outputs(network, lobes(99))["lobe.0"] > 0).float().mean(dim=0)
    assert on.shape == (64,) and ((on > 0) & (on < 1)).float().mean() > 0.9


def test_only_selected_layers_are_scaled() -> None:
    network = initial_networks(CONFIG, seed=STUDY.seed)["covid"]
    before = {name: array.clone() for name, array in network.state_dict().items()}
    scale_layers(network, lobes(7), lambda layer: layer.startswith("lobe."))
    changed = {name for name, array in network.state_dict().items() if not torch.equal(array, before[name])}
    assert changed == {"lobe.0.weight", "lobe.0.bias", "lobe.mean", "lobe.deviation"}


def test_the_lobe_decider_takes_features_in_deviations_from_their_means() -> None:
    """Measured on the lobes; the same functions as without, and faint features are not blown up."""
    network = initial_networks(CONFIG, seed=STUDY.seed)["covid"]
    seen: list[torch.Tensor] = []
    network.lobe.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network.vicinity_features.encode1.weight[0] *= 1e-4  # one of the lobe's features
        network.vicinity_features.encode1.bias[0] = 0.7
        scale_layers(network, lobes(7), lambda layer: layer.startswith("lobe."))
        lobe = network(lobes(7).images, lobes(7).distance).lobe
    features, decider = seen[-1], network.lobe
    deviation = features.std(dim=0)
    faint = deviation < 0.1 * deviation.median()
    assert 1 <= faint.sum() < len(faint) / 2
    torch.testing.assert_close(decider.mean, features.mean(dim=0))
    torch.testing.assert_close(decider.deviation[~faint], deviation[~faint])
    torch.testing.assert_close(decider.deviation[faint], (0.1 * deviation.median()).expand(int(faint.sum())))
    assert not decider.mean.requires_grad
    first, last = decider[0], decider[-1]
    weight = first.weight / decider.deviation
    hidden = (features @ weight.T + (first.bias - weight @ decider.mean)).relu()
    torch.testing.assert_close((hidden @ last.weight.T + last.bias)[:, 0], lobe, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("networks", [("diseased",), ("covid",), ("diseased", "covid")])
def test_decisions_start_from_the_patches_that_the_diseased_network_sees(networks) -> None:
    shift = {"diseased": np.float32(0.01), "covid": np.float32(0)}
    before = {n: a + shift[n.split("/")[0]] for n, a in initial_weights(STUDY).items()}
    after = start_from_patches(before, networks, STUDY)
    assert after.keys() == before.keys()
    for name, array in after.items():
        network, parameter = name.split("/", 1)
        if network not in networks or parameter.startswith(("patch_infection.", "fine_infection.")):
            source = name
        elif parameter.startswith("lobe."):
            continue
        else:
            source = f"diseased/{parameter.replace('attention.', 'patch_infection.')}"
        assert np.array_equal(array, before[source]), name
    models = make_networks(CONFIG)
    load_weights(models, after)
    for network in networks:
        lobe = outputs(models[network], lobes(5))["lobe.0"]
        assert lobe.mean().abs() < 1 and 0.1 < lobe.std() < 10, "scaled to the features that it receives"


def test_weights_start_the_same_whatever_the_number_of_threads() -> None:
    study = STUDY.model_copy(update={"network": CONFIG.model_copy(update={"width": 1 / 16})})

    def started(threads: int) -> Weights:
        torch.set_num_threads(threads)
        weights = drawn.initial_weights(study)
        begun = start_from_patches(weights, STAGE.networks, study)
        return weights | {f"begun/{name}": array for name, array in begun.items()}

    with one_thread():  # to have the number back
        one, three = started(1), started(3)
        assert torch.get_num_threads() == 3
    assert all(np.array_equal(one[name], three[name]) for name in one)


def test_a_decision_stage_trains_neither_patch_features_nor_the_fine_decider() -> None:
    stage = STAGE.model_copy(update={"part": "decision"})
    trained = {name.split("/")[1].split(".")[0] for name in initial_weights(STUDY) if is_trained(name, stage)}
    assert trained == {"vicinity_features", "attention", "lobe", "patch_infection"}


@pytest.mark.parametrize("part", ["lobe", "decision", "fine"])
def test_no_stage_trains_the_feature_statistics(part) -> None:
    """It is what no parameter is: all arrays but the parameters of the networks."""
    stage = STAGE.model_copy(update={"part": part})
    parameters = {f"{n}/{name}" for n, m in make_networks(CONFIG).items() for name, _ in m.named_parameters()}
    others = initial_weights(STUDY).keys() - parameters
    assert others == {f"{n}/lobe.{name}" for n in ("diseased", "covid") for name in ("mean", "deviation")}
    assert not any(is_trained(name, stage) for name in others)
