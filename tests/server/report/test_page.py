"""report.html is one file that needs nothing, and trusts no word that it prints."""

import base64
import copy
import csv
import hashlib
import io
import re
from collections import Counter
from typing import Any

import pytest

from server.report.figures import figures
from server.report.figures_csv import figures_csv
from server.report.page import Example, render, timed
from tests.support import example_result
from tests.support.html_tags import Tags


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> str:
    return render(document, example_result.examples())


def policy(page: str) -> dict[str, str]:
    """The content security policy, by directive."""
    (content,) = (a["content"] for _, a in Tags(page).tags if a.get("http-equiv"))
    assert content is not None
    return {part.split()[0]: part.split(maxsplit=1)[1] for part in content.split("; ")}


def test_the_one_script_is_the_one_that_is_allowed(page: str) -> None:
    told = policy(page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 1 == page.count("<script")
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert told["script-src"] == f"'sha256-{digest}'" and told["default-src"] == "'none'"
    assert set(told) == {"default-src", "style-src", "img-src", "script-src", "base-uri", "form-action"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import|eval|innerHTML)\b", scripts[0])


def test_nothing_is_fetched(page: str) -> None:
    assert "http:" not in page and "https:" not in page
    tags = Tags(page).tags
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in tags}
    for tag, attributes in tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert "@import" not in page and not re.search(r"url\((?!#)", page)


def test_ids_are_unique_and_links_lead_somewhere(page: str) -> None:
    tags = Tags(page).tags
    ids = Counter(a["id"] for _, a in tags if "id" in a)
    assert [name for name, times in ids.items() if times > 1] == []
    links = {
        link for _, a in tags for n in ("href", "xlink:href") if (link := a.get(n) or "").startswith("#")
    }
    named = {a[n] for _, a in tags for n in ("aria-labelledby",) if n in a}
    assert {link[1:] for link in links} | named <= set(ids)


def test_every_word_is_escaped(document: dict[str, Any]) -> None:
    planted = "<script>alert(1)</script>\"'&$x^2$"
    bad = copy.deepcopy(document)
    bad["study"]["name"] = bad["trained_on"] = bad["command"] = planted
    hospital = bad["hospitals"][0]["name"]
    bad["hospitals"][0]["name"] = planted
    bad["curves"]["hospitals"][planted] = bad["curves"]["hospitals"].pop(hospital)
    for replies in (bad["measurement"], *(record["train"] for record in bad["rounds"])):
        replies[planted] = {**replies.pop(hospital), "status": "failed", "reason": planted}
    bad["hospitals"][1]["diseased"]["undefined"]["auc"] = planted
    bad["left_out"] = {planted: planted}
    bad["settings"]["name"] = bad["settings"]["stages"][0]["name"] = planted
    bad["seconds"] = {planted: 1.0}
    for record in bad["rounds"]:
        record["stage"] = planted
    page = render(bad, [Example(planted, "covid", planted, b"", 0.0, 0.0)])
    assert page.count("<script") == 1 and "<script>alert" not in page
    assert Tags(page).text.count(planted) >= 10


def no_curves(document: dict[str, Any]) -> dict[str, Any]:
    """The curves of a document of which no scan was scored."""
    group = {task: {"calibration": None, "thresholds": None} for task in ("diseased", "covid")}
    hospital = {task: {"roc": None, "thresholds": None} for task in ("diseased", "covid")}
    hospitals = {one["name"]: hospital for one in document["hospitals"]}
    return {"seen": group, "unseen": group, "hospitals": hospitals}


def test_figures_can_be_saved_as_csv(document: dict[str, Any], page: str) -> None:
    links = {
        str(a["download"]): a["href"] or "" for tag, a in Tags(page).tags if tag == "a" and "download" in a
    }
    assert links.keys() == {"figures.csv"} | {
        f"{plot.name}.csv" for plots in figures(document).values() for plot in plots
    }
    text = {name: base64.b64decode(link.split("base64,")[1]).decode() for name, link in links.items()}
    assert text["figures.csv"] == figures_csv(document)
    rows = list(csv.DictReader(io.StringIO(text["decision-covid.csv"])))
    columns = document["curves"]["unseen"]["covid"]["thresholds"]
    assert [float(row["net benefit of the model"]) for row in rows] == columns["net_benefit"]
    svgs = [str(a["data-name"]) for tag, a in Tags(page).tags if tag == "button"]
    assert sorted(f"{name}.csv" for name in svgs) == sorted(links.keys() - {"figures.csv"})


def test_without_a_script_nothing_is_shown_that_needs_it(page: str) -> None:
    for tag, attributes in Tags(page).tags:
        if tag == "button" or attributes.get("id") == "chooser":
            assert "hidden" in attributes
    assert page.count("operating point</small>") == 2  # the table of thresholds is there


def test_undefined_is_said_and_never_a_number(document: dict[str, Any]) -> None:
    nothing = copy.deepcopy(document)
    for place in (*nothing["hospitals"], *nothing["pooled"].values()):
        for task in ("diseased", "covid"):
            figures = set(place[task]) - {"n", "undefined"}
            place[task] = {"n": 0, "undefined": dict.fromkeys(figures, "none came")} | dict.fromkeys(figures)
    nothing["roc"] = {group: {"diseased": None, "covid": None} for group in nothing["roc"]}
    nothing["curves"] = no_curves(nothing)
    nothing["subgroups"] = None
    page = render(nothing, [])
    cells = re.findall(
        r'<td class="number" data-figure="(?:hospitals\.\d|pooled\.\w+)\.(?:diseased|covid)\.\w+">(.*?)</td>',
        page,
        re.DOTALL,
    )
    assert len(cells) == 8 * 9 + 2 * 11  # hospitals have one area, groups two
    assert all(">undefined<" in cell and not re.search(r">\s*[\d.]+\s*</b>", cell) for cell in cells)


def test_what_is_undefined_between_hospitals_is_said(document: dict[str, Any]) -> None:
    text = Tags(render(document, [])).text
    assert "undefined: a prediction needs 3 hospitals with scores of both classes; there are 2" in text
    nothing = copy.deepcopy(document)
    for group in nothing["pooled"].values():
        for task in ("diseased", "covid"):
            names = (
                "within_auc", "auc", "next_hospital", "worst_hospital", "calibration",
                "calibration_intercept", "calibration_slope",
            )  # fmt: skip
            group[task] |= dict.fromkeys(names)
            group[task]["undefined"] |= {name: f"no {name} here" for name in names}
        group["three_class"]["counts"] = dict.fromkeys(group["three_class"]["counts"])
        group["three_class"]["undefined"] = dict.fromkeys(group["three_class"]["counts"], "none was called")
        group["three_class"]["accuracy"] = None
    nothing["roc"] = {group: {"diseased": None, "covid": None} for group in nothing["roc"]}
    nothing["curves"] |= {group: no_curves(nothing)[group] for group in ("seen", "unseen")}
    nothing["temperature"] = {"diseased": None, "covid": None, "undefined": {"diseased": "a", "covid": "b"}}
    text = Tags(render(nothing, [])).text
    assert text.count("undefined: none was called") == 6
    for name in ("within_auc", "next_hospital", "worst_hospital", "calibration"):
        assert f"no {name} here" in text, name
    assert "nan" not in text.lower().split()


def test_a_study_without_a_round_or_a_hospital_still_makes_a_page(document: dict[str, Any]) -> None:
    empty = copy.deepcopy(document)
    empty["hospitals"], empty["rounds"], empty["best_rounds"] = [], [], {}
    assert "Not for patients" in render(empty, [])


def test_equal_documents_make_equal_pages(document: dict[str, Any], page: str) -> None:
    assert render(copy.deepcopy(document), example_result.examples()) == page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (185, "3 min 05 s"), (3725, "62 min 05 s")],
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert timed([("step", seconds)]) == [("step", words)]
