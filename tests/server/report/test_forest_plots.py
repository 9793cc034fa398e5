"""The forest plot says what report.json says, undefined figures with their reason."""

import re
from typing import Any

from server.report.forest_plots import forest_plots
from shared_model.constants import TASKS

GROUPS = (("unseen", "held-out"), ("seen", "training"))


def test_it_has_every_hospital_both_groups_and_the_next_hospital(document: dict[str, Any]) -> None:
    for plot, task in zip(forest_plots(document), TASKS, strict=True):
        expected = []
        for group, role in GROUPS:
            members = [one for one in document["hospitals"] if one["role"] == role]
            block = document["pooled"][group][task]
            figures = [(one["name"], one[task]["auc"]) for one in members]
            figures += [("within these hospitals", block["within_auc"])]
            figures += [("the next hospital", block["next_hospital"])]
            expected += figures
        told = [(row[1], tuple(row[3:])) for row in plot.rows[1:]]
        assert told == [
            (name, ("", "", "") if figure is None else tuple(figure[key] for key in ("value", "low", "high")))
            for name, figure in expected
        ]


def test_the_figures_are_written_beside_the_intervals(document: dict[str, Any]) -> None:
    plot = forest_plots(document)[0]
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", plot.svg)
    area = document["hospitals"][4]["diseased"]["auc"]
    assert f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})" in texts
    following = document["pooled"]["unseen"]["diseased"]["next_hospital"]
    assert f"expected {following['low']:.3f} to {following['high']:.3f}" in texts
    assert texts.count("undefined") == 4  # fjord, birch, cedar, and the next after two training hospitals


def test_what_is_undefined_has_its_reason(document: dict[str, Any]) -> None:
    notes = forest_plots(document)[0].notes
    assert notes == (
        "fjord: undefined, no healthy scan at this hospital",
        "birch: undefined, no evaluation was returned: failed (out-of-memory)",
        "cedar: undefined, no COVID-19 scan at this hospital; no other pneumonia scan at this hospital",
        "the next hospital: undefined, a prediction needs 3 hospitals with scores of both classes; "
        "there are 2",
    )


def test_hostile_names_are_text_and_no_hospital_is_no_error(document: dict[str, Any]) -> None:
    assert "dune &amp; &lt;b&gt;sons&lt;/b&gt;" in forest_plots(document)[0].svg
    nobody = {**document, "hospitals": []}
    assert forest_plots(nobody)[0].description == "no hospital"
