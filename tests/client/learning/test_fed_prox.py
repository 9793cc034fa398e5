import torch

from client.learning.fed_prox import proximal_term
from shared_model.strategy import FedProxConfig
from tests.support.small_site import WEIGHTS, site_in_memory
from tests.support.small_study import STUDY
from tests.support.stores import scan_of


def test_its_gradient_is_mu_times_the_distance() -> None:
    weight = torch.tensor([1.0, 4.0], requires_grad=True)
    term = proximal_term({"w": weight}, {"w": torch.tensor([1.0, 2.0])}, 0.5)
    assert term.item() == 0.5 / 2 * 4
    term.backward()
    assert weight.grad is not None and weight.grad.tolist() == [0.0, 1.0]


def test_a_large_mu_keeps_a_hospital_near_the_global_weights() -> None:
    def distance(mu: float | None) -> float:
        strategy = {} if mu is None else {"strategy": FedProxConfig(name="fedprox", mu=mu)}
        stage = STUDY.stages[0].model_copy(update={"epochs": 3.0, "optimizer": "sgd", "learning_rate": 0.01})
        study = STUDY.model_copy(update={"stages": (stage, STUDY.stages[1]), **strategy})
        scans = [scan_of(f"a{i}", label) for i, label in enumerate(["covid", "other", "healthy", "covid"])]
        trained = site_in_memory(scans, study=study).train(WEIGHTS, stage=0, round=1).weights
        return sum(float(((trained[name] - WEIGHTS[name]) ** 2).sum()) for name in trained)

    free = distance(None)
    assert distance(1e-6) > 0.99 * free
    assert distance(20.0) < 0.8 * free
