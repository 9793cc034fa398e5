"""What a card says of a model's quality: nothing undefined without a reason, chance by the interval."""

import pytest
from pydantic import ValidationError

from shared_model.model_quality import MeasuredAuc, TaskQuality, names_phantoms

WHY = {"validation": "no interval", "test": "none", "held_out": "none"}


def quality(**areas: MeasuredAuc) -> TaskQuality:
    return TaskQuality.model_validate(
        {**areas, "undefined": {k: v for k, v in WHY.items() if k not in areas}}
    )


@pytest.mark.parametrize(("low", "near"), [(0.31, True), (0.5, True), (0.501, False)])
@pytest.mark.parametrize("scans", ["test", "held_out"])
def test_chance_is_judged_by_the_intervals_lower_bound(scans: str, low: float, near: bool) -> None:
    known = quality(**{scans: MeasuredAuc(value=0.8, low=low, high=0.9)})
    assert (known.judged_by, known.is_near_chance) == (scans, near)


def test_held_out_hospitals_say_more_than_those_that_trained() -> None:
    good, poor = MeasuredAuc(value=0.9, low=0.8, high=1.0), MeasuredAuc(value=0.5, low=0.3, high=0.7)
    assert quality(test=good, held_out=poor).is_near_chance
    assert not quality(test=poor, held_out=good).is_near_chance


def test_what_is_unknown_counts_as_chance() -> None:
    validated = TaskQuality.model_validate({"validation": MeasuredAuc(value=0.99), "undefined": WHY})
    assert validated.judged_by is None and validated.is_near_chance


@pytest.mark.parametrize("areas", [{}, {"held_out": MeasuredAuc(value=0.7)}])
def test_an_undefined_area_or_interval_needs_its_reason(areas: dict[str, MeasuredAuc]) -> None:
    reasons = {name: why for name, why in WHY.items() if name != "held_out"}
    with pytest.raises(ValidationError, match="held_out"):
        TaskQuality.model_validate({**areas, "undefined": reasons})


def test_phantoms_in_a_sentence() -> None:
    assert names_phantoms("Trained on Phantoms only.") and names_phantoms("A phantom.")
    assert not names_phantoms("CT of 900 patients of the Phantomime clinic.")
