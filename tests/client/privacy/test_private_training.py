"""A private study through the real Site, SiteFactory and federation: what is charged, refused and told."""

import json
from functools import partial

import numpy as np
import pytest

import client.privacy.private_training
from client.learning.site import Site
from client.privacy.accounting import total_epsilon
from client.privacy.hospital_training import hospital_training
from client.privacy.ledger import PrivacyLedger
from client.trainer.site_factory import SiteFactory
from deploy.simulation.local_grid import LocalGrid, client_app
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from tests.support.small_site import WEIGHTS, site_in_memory
from tests.support.small_study import FINE, LOBES, PRIVACY, private_study
from tests.support.stores import disk_store, scan_of

LABELS = ("covid", "healthy", "other", "covid", "healthy")
SCANS = [scan_of(f"s{i}", label, slices=2, fold=i / 20) for i, label in enumerate(LABELS)]


def in_folder(state):
    return partial(hospital_training, state=state)


def site(folder, study=None, **choices) -> Site:
    """The same hospital opened anew, as after a restart."""
    return site_in_memory(SCANS, study=study or private_study(), training=in_folder(folder), **choices)


def code_of(action) -> str:
    with pytest.raises(PneumofedError) as caught:
        action()
    return caught.value.code


def test_a_round_is_charged_by_network_and_gives_weights_alone(tmp_path):
    seen = []
    outcome = site(tmp_path).train(WEIGHTS, stage=0, round=1, progress=lambda *step: seen.append(step))
    assert outcome.scans == {"diseased": 5, "covid": 3} and outcome.loss == {}
    left = ("/lobe.mean", "/lobe.deviation")  # calibration sets them, no hospital does
    learned = {n for n in WEIGHTS if not n.startswith("diseased/fine_infection.") and not n.endswith(left)}
    assert outcome.weights.keys() == learned
    assert all(np.isfinite(array).all() for array in outcome.weights.values())
    charges = PrivacyLedger(tmp_path).charges()  # 5 and 3 patients in batches of 2
    assert [(c.noise_multiplier, c.sample_rate, c.steps) for c in charges] == [(1.0, 0.4, 2), (1.0, 2 / 3, 2)]
    assert PrivacyLedger(tmp_path).epsilon() == total_epsilon(charges, PRIVACY.delta)
    assert seen == [(1, 2), (2, 2)] * 2


def test_epsilon_runs_on_over_rounds_restarts_runs_and_studies(tmp_path):
    spent = []
    for study in (private_study(), private_study(), private_study().model_copy(update={"name": "another"})):
        site(tmp_path, study).train(WEIGHTS, stage=1, round=1)
        spent.append(PrivacyLedger(tmp_path).epsilon())
    charges = PrivacyLedger(tmp_path).charges()
    assert (
        spent == [total_epsilon(charges[:n], PRIVACY.delta) for n in (1, 2, 3)]
        and spent[0] < spent[1] < spent[2]
    )


def test_the_same_question_gets_other_noise(tmp_path):
    first, again = (site(tmp_path).train(WEIGHTS, stage=1, round=1).weights for _ in range(2))
    assert all((again[name] != array).any() for name, array in first.items())
    assert len(PrivacyLedger(tmp_path).charges()) == 2


def test_a_spent_budget_refuses_before_anything_is_learned(tmp_path, monkeypatch):
    once = total_epsilon(_charges_of_stage_1(tmp_path / "other"), PRIVACY.delta)
    hospital = site(tmp_path, private_study(epsilon=1.01 * once))
    hospital.train(WEIGHTS, stage=1, round=1)
    monkeypatch.setattr(
        client.privacy.private_training, "train_privately", lambda *_, **__: pytest.fail("trained")
    )
    assert code_of(lambda: hospital.train(WEIGHTS, stage=0, round=2)) == "privacy-budget-spent"
    reopened = site(tmp_path, private_study(epsilon=1.01 * once))
    assert code_of(lambda: reopened.train(WEIGHTS, stage=1, round=1)) == "privacy-budget-spent"
    assert len(PrivacyLedger(tmp_path).charges()) == 1


def _charges_of_stage_1(folder):
    folder.mkdir()
    site(folder).train(WEIGHTS, stage=1, round=1)
    return PrivacyLedger(folder).charges()


def test_it_is_paid_before_it_is_trained(tmp_path, monkeypatch):
    def stops(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(client.privacy.private_training, "train_privately", stops)
    with pytest.raises(KeyboardInterrupt):
        site(tmp_path).train(WEIGHTS, stage=1, round=1)
    assert len(PrivacyLedger(tmp_path).charges()) == 1


def test_a_hospital_that_trains_gives_no_scores_and_no_finer_counts(tmp_path):
    hospital = site(tmp_path, count_floor=2)
    for split in ("validation", "test"):
        assert code_of(lambda split=split: hospital.evaluate(WEIGHTS, split=split)) == "scores-private"
    outcome = hospital.train(WEIGHTS, stage=0, round=1)
    assert outcome.scans == {"diseased": 4, "covid": 2}  # one "other" scan is below the floor
    assert site(tmp_path, count_floor=9).train(WEIGHTS, stage=1, round=1).scans == {"diseased": 0}
    held_out = site(None, role="held-out")
    assert held_out.evaluate(WEIGHTS, split="all").histograms["diseased"]


def test_a_hospital_without_diseased_scans_pays_for_one_network(tmp_path):
    healthy = [scan_of("h", "healthy", slices=1)]
    hospital = site_in_memory(healthy, study=private_study(), training=in_folder(tmp_path))
    outcome = hospital.train(WEIGHTS, stage=0, round=1)
    assert outcome.scans == {"diseased": 1, "covid": 0}
    assert len(PrivacyLedger(tmp_path).charges()) == 1


def test_the_trainer_opens_a_private_study_with_the_ledger_of_its_state(tmp_path):
    disk_store(tmp_path / "store", SCANS)
    opener = SiteFactory(tmp_path / "store", tmp_path, "training", "cpu", 1)
    opener(Proposal.of(private_study(), WEIGHTS)).train(WEIGHTS, stage=1, round=1)
    assert len(PrivacyLedger(tmp_path).charges()) == 1
    line = json.loads((tmp_path / "privacy.jsonl").read_text())
    assert line["facts"]["study"] == private_study().fingerprint
    assert not any(scan.key in (tmp_path / "privacy.jsonl").read_text() for scan, _ in SCANS)


def test_a_federation_keeps_the_last_round_and_measures_where_nobody_trained(tmp_path):
    study = private_study().model_copy(update={"stages": (LOBES, FINE)})
    sites = {
        "a": site(tmp_path, study),
        "out": site(None, study, role="held-out"),
    }
    app = client_app(sites.__getitem__)
    result = run_study(
        LocalGrid(app, list(sites)),
        study,
        WEIGHTS,
        ledger=Ledger(tmp_path / "ledger", study, WEIGHTS),
        policy=RoundPolicy(poll_s=0, quorum=1),
    )
    assert result.best_rounds == {"lobes/diseased": 2, "lobes/covid": 2, "fine/diseased": 1}
    assert result.evaluations.keys() == {"out"}
    assert (result.operating_point.diseased, result.operating_point.covid) == (0.5, 0.5)
    assert all(reply.status == "returned" for record in result.rounds for reply in record.train.values())
    assert len(PrivacyLedger(tmp_path).charges()) == 2 * 2 + 1


@pytest.mark.filterwarnings("ignore:Optimal order")
def test_with_noise_that_protects_nobody_the_floor_of_patients_holds(tmp_path):
    """A step draws a patient or two; with an epsilon of a million their gradient is all that is sent."""
    one = LOBES.model_copy(update={"scans_per_batch": 1, "epochs": 0.1})
    healthy = [scan_of(f"h{i}", "healthy", slices=1) for i in range(12)]
    codes = []
    for epsilon in (1e6, 20.0):
        study = private_study(epsilon=epsilon, noise_multiplier=0.01 if epsilon > 20 else None)
        study = study.model_copy(update={"stages": (one,)})
        training = in_folder(tmp_path / str(epsilon))
        (tmp_path / str(epsilon)).mkdir()
        hospital = site_in_memory(healthy, study=study, training=training, count_floor=10)
        try:
            codes.append(hospital.train(WEIGHTS, stage=0, round=1).scans["diseased"])
        except PneumofedError as error:
            codes.append(error.code)
    assert codes == ["too-few-patients", 12]
