"""Studies: what is refused, and that those that come with pneumofed are whole."""

import json
import math

import pytest
from pydantic import ValidationError

from preprocessing.settings import PreprocessingSettings
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.study import SplitConfig, StudyConfig, load_study, study_names
from shared_model.study_stage import StageConfig


@pytest.mark.parametrize("name", study_names())
def test_every_study_loads_and_expects_todays_preprocessing(name: str) -> None:
    study = load_study(name)
    assert study.name == name
    assert study.preprocessing == PreprocessingSettings().fingerprint


def test_the_default_study_is_the_papers() -> None:
    study = load_study("paper")
    first, second = study.stages
    assert (study.network.width, study.network.pooling, study.network.init) == (1.0, "sum", "imagenet")
    assert (study.split.train, study.split.validation, study.split.test) == (0.81, 0.09, 0.10)
    assert (first.learning_rate, first.scans_per_batch, first.lobes_per_scan) == (1e-4, 6, 10)
    assert (first.concordance_weight, first.patch_weight, first.top_share) == (1.0, 0.01, 0.3)
    assert (second.part, second.learning_rate) == ("fine", 1e-5)
    assert (second.scans_per_batch, second.lobes_per_scan) == (14, 2)
    assert study.operating_point == "half"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("colour = 'red'\n", "colour"),
        ("seed = -1\n", "seed"),
        ("[network]\nwidth = 0.5\ninit = 'imagenet'\n", "width"),
        ("[split]\ntrain = 0.9\nvalidation = 0.2\ntest = 0.1\n", "must be 1"),
        ("[strategy]\nname = 'fedmagic'\n", "strategy"),
        ("[strategy]\nname = 'fedprox'\nmu = 0\n", "mu"),
        ("[strategy]\nname = 'fedprox'\n[privacy]\nepsilon = 2\n", "fedprox"),
        ("[[stages]]\nname = 'scan'\nnetworks = ['covid']\npart = 'scan'\nrounds = 1\n", "scan_figures"),
        ("[network]\ninit = 'random'\nscan_figures = 'law-free'\n", "needs a stage"),
        (
            "[network]\ninit = 'random'\nscan_figures = 'law-free'\n"
            "[[stages]]\nname = 'scan'\nnetworks = ['covid']\npart = 'scan'\nrounds = 1\n",
            "may follow",  # the stage of part 'lobe' that is added
        ),
        (
            "[network]\ninit = 'random'\nscan_figures = 'law-free'\n[privacy]\nepsilon = 2\n"
            "[[stages]]\nname = 'scan'\nnetworks = ['covid']\npart = 'scan'\nrounds = 1\n",
            "part 'scan'",
        ),
    ],
)
def test_a_wrong_study_is_refused_with_the_field_named(tmp_path, change: str, named: str) -> None:
    file = tmp_path / "mine.toml"
    stage = "[[stages]]\nname = 's'\nnetworks = ['covid']\nrounds = 1\n"
    file.write_text(f"name = 'mine'\npreprocessing = 'x'\n{change}{stage}")
    with pytest.raises(PneumofedError, match=named) as refused:
        load_study(file)
    assert refused.value.code == "study-invalid"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"part": "fine"}, "fine"),
        ({"part": "patches"}, "patches"),
        ({"part": "scan", "rounds": 2}, "rounds"),
        ({"say": "loudest"}, "say"),
    ],
)
def test_impossible_stages_fail_at_construction(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        StageConfig.model_validate({"name": "s", "networks": ["covid"], "rounds": 1} | change)


@pytest.mark.parametrize(
    ("say", "part", "task", "alone"),
    [
        ("scans", "lobe", "diseased", "lobe"),
        ("equal", "decision", "covid", "decision"),
        ("two-class", "lobe", "diseased", "patches"),
        ("two-class", "lobe", "covid", None),
        ("two-class", "decision", "diseased", None),
        ("two-class", "patches", "diseased", "patches"),
        ("two-class", "fine", "diseased", "fine"),
        ("two-class", "scan", "covid", "scan"),
    ],
)
def test_what_a_hospital_of_one_class_trains(say: str, part: str, task: Task, alone: str | None) -> None:
    stage = StageConfig.model_validate(
        {"name": "s", "networks": ["diseased"], "rounds": 1, "say": say, "part": part}
    )
    assert stage.part_trained(task, two_class=False) == alone
    assert stage.part_trained(task, two_class=True) == part


def test_a_missing_study_names_those_there_are() -> None:
    with pytest.raises(PneumofedError, match="paper") as refused:
        load_study("absent")
    assert refused.value.code == "study-missing"


def test_the_split_cuts_the_fold() -> None:
    split = SplitConfig()
    assert [split.part_of(f) for f in (0.0, 0.8099, 0.81, 0.8999, 0.9, 0.9999)] == [
        "train", "train", "validation", "validation", "test", "test",
    ]  # fmt: skip


def test_the_learning_rate_falls_as_a_cosine() -> None:
    stage = StageConfig(name="s", networks=("covid",), rounds=5, learning_rate=1.0, final_learning_rate=0.2)
    expected = [0.2 + 0.8 * (1 + math.cos(math.pi * k / 4)) / 2 for k in range(5)]
    assert [stage.learning_rates(r, 1)[0] for r in range(1, 6)] == pytest.approx(expected)
    assert StageConfig(name="s", networks=("covid",), rounds=5).learning_rates(5, 2) == [1e-4, 1e-4]


def test_the_fingerprint_follows_every_field() -> None:
    study = load_study("tiny")
    assert study.fingerprint == load_study("tiny").fingerprint
    assert study.model_copy(update={"seed": 1}).fingerprint != study.fingerprint


def test_a_study_that_is_no_text_is_refused(tmp_path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"name = \xff\xfe")
    with pytest.raises(PneumofedError, match="not TOML") as refused:
        load_study(path)
    assert refused.value.code == "study-invalid"


def test_studies_without_what_is_new_keep_the_fingerprints_they_had():
    """What is hashed holds nothing new where nothing new is asked for."""
    before = {
        "name", "seed", "preprocessing", "network", "split", "operating_point", "precision", "stages"
    }  # fmt: skip
    asked_for = {"demo": {"covid_share", "subgroups"}, "demo-quick": {"subgroups"}, "paper": {"max_share"}}
    for name in study_names():
        assert set(json.loads(load_study(name).model_dump_json())) == before | asked_for.get(name, set())


def test_privacy_is_part_of_the_fingerprint_and_bars_validation_scores():
    paper = load_study("paper")
    private = StudyConfig.model_validate({**paper.model_dump(), "privacy": {"epsilon": 8}})
    stricter = StudyConfig.model_validate({**paper.model_dump(), "privacy": {"epsilon": 3}})
    assert len({paper.fingerprint, private.fingerprint, stricter.fingerprint}) == 3
    assert StudyConfig.model_validate_json(private.model_dump_json()) == private
    with pytest.raises(ValidationError, match="operating_point = 'half'"):
        StudyConfig.model_validate({**private.model_dump(), "operating_point": "validation"})


def test_the_learning_rate_warms_up_step_by_step_across_rounds() -> None:
    stage = StageConfig(name="s", networks=("covid",), rounds=4, learning_rate=1.0, warm_up_rounds=1.5)
    rates = [rate for round in (1, 2, 3) for rate in stage.learning_rates(round, 4)]
    assert rates == pytest.approx([n / 6 for n in range(1, 7)] + [1.0] * 6)
    assert stage.learning_rates(1, 2) == pytest.approx([1 / 3, 2 / 3])  # as many steps as a hospital has


def test_a_stage_averages_no_more_rounds_than_it_has() -> None:
    assert list(StageConfig(name="s", networks=("covid",), rounds=4, average_rounds=3).averaged_rounds) == [
        2,
        3,
    ]
    assert not StageConfig(name="s", networks=("covid",), rounds=4).averaged_rounds
    with pytest.raises(ValueError, match="average_rounds"):
        StageConfig(name="s", networks=("covid",), rounds=4, average_rounds=5)


def test_a_guard_is_for_averages_and_part_of_the_fingerprint() -> None:
    tiny = load_study("tiny").model_dump()
    guarded = StudyConfig.model_validate({**tiny, "guard": {"name": "trimmed-mean", "trim": 2}})
    assert guarded.guard is not None and guarded.guard.least_hospitals == 5
    assert guarded.fingerprint != load_study("tiny").fingerprint
    assert StudyConfig.model_validate_json(guarded.model_dump_json()) == guarded
    with pytest.raises(ValidationError, match="guard works on averages only"):
        StudyConfig.model_validate({**load_study("demo").model_dump(), "guard": {"name": "norm-bound"}})
