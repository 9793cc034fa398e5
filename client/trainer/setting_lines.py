"""Every setting of a study in a few wrapped lines: what people approve, whole."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from shared_model.study import StudyConfig

WIDTH = 108


def setting_lines(study: StudyConfig) -> Iterator[str]:
    """Every setting of a study, defaults included, in lines of at most WIDTH characters a group."""
    settings = {name: getattr(study, name) for name in StudyConfig.model_fields}
    groups = {name: value for name, value in settings.items() if isinstance(value, BaseModel)}
    alone = {name: value for name, value in settings.items() if name not in (*groups, "stages")}
    yield from _group("study", alone)
    for name, group in groups.items():
        yield from _group(name, dict(group))
    for number, stage in enumerate(study.stages, start=1):
        yield from _group(f"stage {number}", dict(stage))


def _group(title: str, settings: Mapping[str, Any]) -> Iterator[str]:
    text = f"{title}: " + ", ".join(f"{name} {_setting(value)}" for name, value in settings.items())
    yield from textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _setting(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "(" + ", ".join(f"{name} {_setting(part)}" for name, part in value) + ")"
    if isinstance(value, tuple):
        return " and ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return repr(value)
