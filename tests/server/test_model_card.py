"""The card of a study's model: its quality is the report's."""

from pathlib import Path

from server.model_card import model_card
from server.report.report_json import report_document
from shared_model.constants import TASKS
from shared_model.saved_model import load_model, save_model
from shared_model.study import load_study
from tests.support.example_result import result
from tests.support.initial_weights import initial_weights


def test_the_quality_is_the_figures_of_the_report() -> None:
    card = model_card(result())
    pooled = report_document(result())["pooled"]
    assert card.quality is not None
    for task in TASKS:
        for scans, group in (("test", "seen"), ("held_out", "unseen")):
            area, reported = getattr(card.quality.of(task), scans), pooled[group][task]["within_auc"]
            assert (area.value, area.low, area.high) == tuple(
                reported[name] for name in ("value", "low", "high")
            )


def test_validation_is_that_of_the_round_kept() -> None:
    card, study = model_card(result()), result()
    assert card.quality is not None
    kept = {"diseased": (1, 2), "covid": (0, 6)}  # the last stage that trains the network, its best round
    for task in TASKS:
        [record] = [one for one in study.rounds if (one.stage, one.round) == kept[task]]
        known = card.quality.of(task)
        assert known.validation is not None and known.validation.value == record.within_auc[task]
        assert known.validation.low is None and "interval" in known.undefined["validation"]


def test_what_no_hospital_measured_is_undefined_with_its_reason() -> None:
    silent = result().model_copy(update={"evaluations": {}, "rounds": (), "best_rounds": {}})
    quality = model_card(silent).quality
    assert quality is not None
    for task in TASKS:
        known = quality.of(task)
        assert (known.validation, known.test, known.held_out) == (None, None, None)
        assert set(known.undefined) == {"validation", "test", "held_out"} and known.is_near_chance


def test_it_is_kept_with_the_model(tmp_path: Path) -> None:
    study = load_study("tiny")
    card = model_card(result()).model_copy(update={"study": study})
    save_model(tmp_path, initial_weights(study), card)
    assert load_model(tmp_path)[1].quality == card.quality
    assert card.quality is not None
