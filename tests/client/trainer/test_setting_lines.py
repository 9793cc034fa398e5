"""Every setting is on the screen that people approve."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from client.trainer.setting_lines import WIDTH, setting_lines
from shared_model.study import PrivacyConfig, StudyConfig, load_study, study_names
from shared_model.study_stage import AugmentationConfig
from tests.support.small_study import STUDY

STAGE = STUDY.stages[0].model_copy(update={"augmentation": AugmentationConfig(kernel=1.5), "epochs": 0.25})
FULL = STUDY.model_copy(update={"stages": (STAGE,), "privacy": PrivacyConfig(epsilon=3.5)})


def leaves(settings: BaseModel) -> Iterator[tuple[str, Any]]:
    """Names and values of all fields, those of fields within them included."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        for part in value if isinstance(value, tuple) else [value]:
            if isinstance(part, BaseModel):
                yield from leaves(part)
            else:
                yield name, part


@pytest.mark.parametrize("study", [FULL, *map(load_study, study_names())], ids=lambda study: study.name)
def test_every_field_of_every_part_is_shown_with_its_value(study: StudyConfig) -> None:
    lines = list(setting_lines(study))
    words = " ".join(line.strip() for line in lines)
    for name, value in leaves(study):
        assert f"{name} " in words
        if value is not None and not isinstance(value, bool):
            assert str(value) in words, name
    assert f"stage {len(study.stages)}: " in words and max(map(len, lines)) <= WIDTH


def test_two_studies_that_differ_in_one_setting_are_shown_differently() -> None:
    for change in ({"jitter": False}, {"learning_rate": 2e-4}, {"final_learning_rate": 1e-5}):
        changed = FULL.model_copy(update={"stages": (STAGE.model_copy(update=change),)})
        assert list(setting_lines(changed)) != list(setting_lines(FULL))
