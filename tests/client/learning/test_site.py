"""One hospital's part in a study, on small made-up stores: what it learns from, refuses and tells."""

import numpy as np
import pytest
import torch

from client.learning.site import Site
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.errors import PneumofedError
from shared_model.metrics.score_histogram import bin_probability
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import SiteDescription
from shared_model.study import load_study
from tests.support.initial_weights import initial_weights
from tests.support.small_site import WEIGHTS, site_in_memory
from tests.support.small_study import STUDY
from tests.support.stores import scan_of

# Not as many of one label as of the other: gradients that cancel out would show nothing.
MIXED = [
    scan_of("a1", "covid"),
    scan_of("a2", "other"),
    scan_of("a3", "healthy"),
    scan_of("a4", "covid"),
]
VALIDATION, TEST = 0.85, 0.95


def site_of(scans, folder, *, study=STUDY, role="training", count_floor=1) -> Site:
    """A site on a real store on disk."""
    store = LobeStore.create(folder / "store", PreprocessingSettings())
    for record, arrays in scans:
        store.add(record, arrays)
    return Site(store, study, role=role, count_floor=count_floor)


def test_training_changes_its_networks_and_the_same_seed_does_it_alike(tmp_path):
    site = site_of(MIXED, tmp_path)
    first = site.train(WEIGHTS, stage=0, round=1)
    assert first.scans == {"diseased": 4, "covid": 3} and first.loss.keys() == {"diseased", "covid"}
    left = ("/lobe.mean", "/lobe.deviation")  # calibration sets them, no hospital does
    learned = {n for n in WEIGHTS if not n.startswith("diseased/fine_infection.") and not n.endswith(left)}
    assert first.weights.keys() == learned
    assert all(np.isfinite(array).all() and array.dtype == np.float32 for array in first.weights.values())
    for network in first.scans:
        names = [name for name in first.weights if name.startswith(f"{network}/")]
        assert any((first.weights[name] != WEIGHTS[name]).any() for name in names)

    again = site_in_memory(MIXED[::-1]).train(WEIGHTS, stage=0, round=1)
    other_round = site_in_memory(MIXED).train(WEIGHTS, stage=0, round=2)
    assert again.loss == first.loss
    assert all((again.weights[name] == array).all() for name, array in first.weights.items())
    assert any((other_round.weights[name] != array).any() for name, array in first.weights.items())


def test_without_a_diseased_scan_the_covid_network_learns_from_none():
    outcome = site_in_memory([scan_of("h1", "healthy"), scan_of("h2", "healthy")]).train(
        WEIGHTS, stage=0, round=1
    )
    assert outcome.scans == {"diseased": 2, "covid": 0}
    assert outcome.loss.keys() == {"diseased"}
    assert outcome.weights and all(name.startswith("diseased/") for name in outcome.weights)


def test_a_hospital_of_one_label_trains_both_networks():
    outcome = site_in_memory([scan_of("c1", "covid")]).train(WEIGHTS, stage=0, round=1)
    assert outcome.scans == {"diseased": 1, "covid": 1}
    assert all(np.isfinite(loss) for loss in outcome.loss.values())


def test_a_hospital_whose_scans_are_all_for_validation_gives_nothing():
    outcome = site_in_memory([scan_of("v1", "covid", fold=VALIDATION)]).train(WEIGHTS, stage=0, round=1)
    assert outcome.scans == {"diseased": 0, "covid": 0} and not outcome.weights and not outcome.loss


def study_with(**choices):
    """STUDY with its first stage changed."""
    return STUDY.model_copy(
        update={"stages": (STUDY.stages[0].model_copy(update=choices), *STUDY.stages[1:])}
    )


def patients(label: str, count: int):
    return [scan_of(f"{label}{i}", label, fold=0.001 * i + 0.1 * len(label)) for i in range(count)]


PATCHES = {
    f"diseased/{name}"
    for name in (name.removeprefix("diseased/") for name in WEIGHTS)
    if name.startswith(("patch_features.", "vicinity_features.", "patch_infection."))
}


def test_a_stage_of_patches_trains_patch_infection_alone():
    study = study_with(part="patches", networks=("diseased",))
    outcome = site_in_memory(MIXED, study=study).train(WEIGHTS, stage=0, round=1)
    assert outcome.weights.keys() == PATCHES and outcome.scans == {"diseased": 4}
    assert all((outcome.weights[name] != WEIGHTS[name]).any() for name in PATCHES)


def test_with_equal_say_every_hospital_has_weight_1():
    site = site_in_memory(MIXED, study=study_with(say="equal"))
    assert site.train(WEIGHTS, stage=0, round=1).scans == {"diseased": 1, "covid": 1}


@pytest.mark.parametrize(
    ("scans", "diseased", "covid"),
    [
        (MIXED, "all", "all"),
        (patients("covid", 3), "patches", None),
        (patients("healthy", 3), "patches", None),
        (patients("covid", 3) + patients("other", 2), "patches", "all"),
        (patients("other", 3) + patients("healthy", 2), "all", None),
    ],
)
def test_two_class_say_leaves_decisions_to_hospitals_with_both_labels(scans, diseased, covid):
    outcome = site_in_memory(scans, study=study_with(say="two-class")).train(WEIGHTS, stage=0, round=1)
    for task, trained in (("diseased", diseased), ("covid", covid)):
        names = {name for name in outcome.weights if name.startswith(f"{task}/")}
        if trained == "patches":
            assert names == PATCHES
        elif trained == "all":
            assert any("/lobe." in name for name in names)
        else:
            assert not names and outcome.scans[task] == 0 and task not in outcome.loss
        assert (outcome.scans[task] > 0) == (trained is not None)


def test_both_labels_count_from_the_floor_on_in_patients():
    study, scans = study_with(say="two-class", part="decision"), patients("covid", 3) + patients("healthy", 4)
    assert site_in_memory(scans, study=study, count_floor=3).train(WEIGHTS, stage=0, round=1).scans == {
        "diseased": 7,
        "covid": 0,
    }
    assert not any(
        site_in_memory(scans, study=study, count_floor=4).train(WEIGHTS, stage=0, round=1).scans.values()
    )
    repeated = [scan_of(f"c{i}", "covid", fold=0.5) for i in range(3)] + patients("healthy", 4)
    assert not any(
        site_in_memory(repeated, study=study, count_floor=3).train(WEIGHTS, stage=0, round=1).scans.values()
    )


def test_the_say_is_the_patients_of_the_classes_told():
    scans = patients("covid", 3) + patients("healthy", 2)
    assert site_in_memory(scans, count_floor=3).train(WEIGHTS, stage=0, round=1).scans == {
        "diseased": 3,
        "covid": 3,
    }
    none = site_in_memory(patients("healthy", 2), count_floor=3).train(WEIGHTS, stage=0, round=1)
    assert none.scans == {"diseased": 0, "covid": 0} and not none.weights and not none.loss
    repeated = [scan_of(f"c{i}", "covid", fold=0.1 * (i // 2)) for i in range(6)]
    assert site_in_memory(repeated).train(WEIGHTS, stage=0, round=1).scans == {"diseased": 3, "covid": 3}


def test_a_round_learns_from_as_many_patients_as_the_floor_however_short_it_is():
    few = study_with(epochs=0.01, scans_per_batch=1, optimizer="sgd", lobes_per_scan=1)
    site = site_in_memory(patients("covid", 12), study=few, count_floor=10)
    steps: list[tuple[int, int]] = []
    site.train(WEIGHTS, stage=0, round=1, progress=lambda *step: steps.append(step))
    assert steps == [(done, 10) for _ in ("diseased", "covid") for done in range(1, 11)]
    most = study_with(epochs=0.85)
    assert site_in_memory(patients("covid", 12), study=most, count_floor=10).train(
        WEIGHTS, stage=0, round=1
    ).scans == {"diseased": 12, "covid": 12}


def test_stage_2_returns_the_fine_decider_alone():
    site = site_in_memory(MIXED)
    outcome = site.train(WEIGHTS, stage=1, round=1)
    fine = {name for name in WEIGHTS if name.startswith("diseased/fine_infection.")}
    assert outcome.weights.keys() == fine and fine
    assert any((outcome.weights[name] != WEIGHTS[name]).any() for name in fine)
    for name, array in site.networks["diseased"].state_dict().items():
        if f"diseased/{name}" not in fine:
            np.testing.assert_array_equal(array.numpy(), WEIGHTS[f"diseased/{name}"], err_msg=name)


def test_stage_2_changes_no_scans_score():
    """So that a study need not validate it."""
    scans = [*MIXED, scan_of("v1", "healthy", fold=VALIDATION)]
    site = site_in_memory(scans)
    before = site.evaluate(WEIGHTS, split="validation").to_json()
    after = WEIGHTS | site.train(WEIGHTS, stage=1, round=1).weights
    assert site.evaluate(after, split="validation").to_json() == before
    assert load_study("paper").stages[1].validate_every == 0


def test_a_held_out_hospital_refuses_to_train_and_measures_all():
    site = site_in_memory([*MIXED, scan_of("t1", "healthy", fold=TEST)], role="held-out")
    with pytest.raises(PneumofedError) as error:
        site.train(WEIGHTS, stage=0, round=1)
    assert error.value.code == "held-out"
    found = site.evaluate(WEIGHTS, split="all").histograms
    counts = {
        task: {label: int(h.counts.sum()) for label, h in labels.items()} for task, labels in found.items()
    }
    assert counts == {"diseased": {"healthy": 2, "covid": 2, "other": 1}, "covid": {"covid": 2, "other": 1}}


def test_scans_are_measured_by_the_share_of_lobes_that_the_study_names():
    """A mean of several lobes is less than the greatest; only COVID-19 is told by it."""

    def bins(share: float) -> dict[str, int]:
        """Where the one scan's score falls."""
        study = STUDY.model_copy(update={"covid_share": share})
        site = site_in_memory([scan_of("c1", "covid", slices=6)], study=study, role="held-out")
        found = site.evaluate(WEIGHTS, split="all").histograms
        return {task: int(np.flatnonzero(found[task]["covid"].counts)[0]) for task in ("diseased", "covid")}

    greatest, mean = bins(0.0), bins(1.0)
    assert greatest["diseased"] == mean["diseased"]
    assert mean["covid"] < greatest["covid"]


def test_a_split_and_a_task_are_measured_alone():
    site = site_in_memory(
        [*MIXED, scan_of("t1", "covid", fold=TEST), scan_of("v1", "other", fold=VALIDATION)]
    )
    tested = site.evaluate(WEIGHTS, split="test", tasks=("covid",)).histograms
    assert {task: set(labels) for task, labels in tested.items()} == {"diseased": set(), "covid": {"covid"}}
    assert set(site.evaluate(WEIGHTS, split="validation").histograms["diseased"]) == {"other"}


def test_calls_are_of_both_networks_scores_of_each_scan():
    """Against the two logits of each scan, measured alone; healthy scans have a COVID-19 score here too."""
    site = site_in_memory(MIXED, role="held-out")
    alone = {}
    for scan in MIXED:
        found = site_in_memory([scan], role="held-out").evaluate(WEIGHTS, split="all").histograms
        alone[scan[0].key] = np.flatnonzero(found["diseased"][scan[0].label].counts)[0]
    between = sorted(alone.values())[1]
    point = {"diseased": bin_probability(int(between) + 1), "covid": bin_probability(1)}
    found = site.evaluate(WEIGHTS, split="all", operating_point=point)
    expected = {label: {"healthy": 0, "covid": 0, "other": 0} for label in ("healthy", "covid", "other")}
    for record, _ in MIXED:
        expected[record.label]["covid" if alone[record.key] > between else "healthy"] += 1
    assert found.calls.counts == expected
    assert found.histograms["covid"].keys() == {"covid", "other"}
    assert site.evaluate(WEIGHTS, split="all").calls.counts == {}
    assert SiteEvaluation.from_text(found.to_text()).to_json() == found.to_json()


def test_scores_are_told_from_the_floor_on_in_patients():
    """Three scans of two patients are below a floor of three."""
    repeated = [scan_of(f"h{i}", "healthy", slices=1, fold=(i // 2) / 10) for i in range(3)]
    others = [scan_of(f"c{i}", "covid", slices=1, fold=0.2 + (i // 2) / 10) for i in range(6)]
    point = {"diseased": 0.5, "covid": 0.5}
    site = site_in_memory([*repeated, *others], count_floor=3, role="held-out")
    found = site.evaluate(WEIGHTS, split="all", operating_point=point)
    assert set(found.histograms["diseased"]) == set(found.calls.counts) == {"covid"}
    told = found.histograms["diseased"]["covid"]
    assert (told.total, told.patients) == (6, 3)


def test_evaluating_draws_nothing_by_chance():
    site = site_in_memory([*MIXED, scan_of("t1", "covid", fold=TEST)])
    first = site.evaluate(WEIGHTS, split="test").to_json()
    site.train(WEIGHTS, stage=0, round=1)
    assert site.evaluate(WEIGHTS, split="test").to_json() == first and first["histograms"]["covid"]


@pytest.mark.parametrize("broken", ["diseased", "covid"])
def test_weights_that_give_no_finite_loss_are_reported(broken):
    name = next(n for n in WEIGHTS if n.startswith(f"{broken}/"))
    weights = {**WEIGHTS, name: np.full_like(WEIGHTS[name], np.nan)}
    with pytest.raises(PneumofedError) as error:
        site_in_memory(MIXED).train(weights, stage=0, round=1)
    assert error.value.code == "diverged"


def test_a_store_of_other_preprocessing_is_refused(tmp_path):
    store = LobeStore.create(tmp_path / "store", PreprocessingSettings(lobes="paper"))
    with pytest.raises(PneumofedError) as error:
        Site(store, STUDY, role="training")
    assert error.value.code == "store-fingerprint" and "prepare" in str(error.value)


def test_weights_of_other_networks_are_refused():
    wide = STUDY.network.model_copy(update={"width": 0.125})
    with pytest.raises(PneumofedError) as error:
        site_in_memory(MIXED).train(
            initial_weights(STUDY.model_copy(update={"network": wide})), stage=0, round=1
        )
    assert error.value.code == "architecture-mismatch"


def test_small_counts_are_kept_back():
    scans = [scan_of(f"h{i}", "healthy", slices=1, fold=i / 10) for i in range(3)]
    site = site_in_memory([*scans, scan_of("c", "covid", slices=1)], count_floor=3)
    told = site.describe()
    assert told.counts["train"] == {"healthy": 3, "covid": None, "other": None}
    assert told.counts["test"] == {"healthy": None, "covid": None, "other": None}
    assert told.role == "training" and SiteDescription.from_text(told.to_text()) == told
    same = [scan_of(f"c{i}", "covid", fold=0.5) for i in range(2)]
    repeated = site_in_memory([*scans, *same], count_floor=2)
    assert repeated.describe().counts["train"] == {"healthy": 3, "covid": None, "other": None}  # one patient
    held_out = site_in_memory([*scans, *same], count_floor=3, role="held-out")
    assert held_out.describe().counts == {"all": {"healthy": 3, "covid": None, "other": None}}
    assert set(held_out.evaluate(WEIGHTS, split="all").histograms["diseased"]) == {"healthy"}


@pytest.mark.parametrize(
    ("role", "split"), [("training", "all"), ("training", "train"), ("held-out", "test"), ("held-out", "x")]
)
def test_scores_are_told_of_the_splits_of_the_role_alone(role, split):
    """The scores of all scans less those of the test scans would be those of the training scans."""
    with pytest.raises(PneumofedError) as refused:
        site_in_memory(MIXED, role=role).evaluate(WEIGHTS, split=split)
    assert refused.value.code == "no-such-split"


def test_training_leaves_the_processs_own_chance_alone():
    site = site_in_memory(MIXED)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    site.train(WEIGHTS, stage=0, round=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("labels", ["covid", "healthy", "other"])
@pytest.mark.parametrize("stage", [0, 1])
def test_a_hospital_of_one_class_without_an_infected_patch_is_legal(labels, stage):
    import dataclasses

    scans = []
    for number in range(3):
        record, arrays = scan_of(f"c{number}", labels, slices=1)
        clean = np.zeros_like(arrays.semi_infection)
        scans.append((record, dataclasses.replace(arrays, semi_infection=clean)))
    outcome = site_in_memory(scans).train(WEIGHTS, stage=stage, round=1)
    assert outcome.scans["diseased"] == 3
    assert all(np.isfinite(loss) for loss in outcome.loss.values())
    assert all(np.isfinite(array).all() for array in outcome.weights.values())
