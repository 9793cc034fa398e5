"""Settings as text: nested names, and stages side by side."""

from typing import Any

from server.report.page import render
from server.report.settings_table import flat, of_stages
from tests.support.html_tags import Tags


def test_nested_settings_have_dotted_names(document: dict[str, Any]) -> None:
    rows = dict(flat(document["settings"]))
    assert rows["network.width"] == "0.125" and rows["operating_point"] == "validation"
    assert not any(name.startswith("stages") for name in rows)


def test_a_setting_of_one_stage_shows_the_others_default(document: dict[str, Any]) -> None:
    assert "patches" not in document["settings"]["stages"][0]  # what is as by default may be left out
    rows = dict(of_stages(document["settings"]["stages"]))
    assert rows["patches"] == ["crop", "lobe"] and rows["rounds"] == ["6", "2"]
    assert rows["augmentation"] == ["none", "shift 4, intensity 0.02, flip no, breath 0.25"]
    assert "name" not in rows and "warm_up_rounds" not in rows  # no stage says so
    text = Tags(render(document, [])).text
    assert all(f"{name}{''.join(values)}" in text for name, values in rows.items())
