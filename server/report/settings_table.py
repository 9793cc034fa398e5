"""A study's settings as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared_model.study_stage import StageConfig


def setting(value: Any) -> str:
    """A setting's value as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {setting(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted.name, value), without the stages, which have their own table."""
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}.")
        elif name != "stages":
            rows.append((prefix + name, setting(value)))
    return rows


def of_stages(stages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """(name, value in each stage) of the settings that any stage sets; the default in stages that do not."""
    fields = StageConfig.model_fields
    names = [name for name in fields if name != "name" and any(name in stage for stage in stages)]
    return [(name, [setting(stage.get(name, fields[name].default)) for stage in stages]) for name in names]
