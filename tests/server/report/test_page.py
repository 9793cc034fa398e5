"""report.html is one file that needs nothing, and trusts no word that it prints."""

import copy
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest

from server.report.page import Example, of_stages, render, timed
from server.report.plots import curves
from tests.support import example_result


class Tags(HTMLParser):
    """All (tag, attributes) of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> str:
    return render(document, example_result.examples())


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    assert "http:" not in page and "https:" not in page
    tags = Tags(page).tags
    assert not {"script", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in tags}
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


def test_an_undefined_figure_is_left_out_of_its_curve(document: dict[str, Any]) -> None:
    gap = copy.deepcopy(document)
    validated = [one for one in gap["rounds"] if one["within_auc"]]
    assert len(validated) == 4
    whole = curves(gap)[2]
    validated[1]["within_auc"]["covid"] = None
    parted = curves(gap)[2]
    assert "COVID-19 or other pneumonia" in whole.description and "in 4 rounds" in whole.description
    assert parted.description == whole.description[: -len("4 rounds")] + "3 rounds"
    assert parted.svg != whole.svg
    for one in validated:
        one["within_auc"] = dict.fromkeys(one["within_auc"])
    assert curves(gap)[2].description == "no values"
    assert render(gap, [])


def test_every_word_is_escaped(document: dict[str, Any]) -> None:
    planted = "<script>alert(1)</script>\"'&$x^2$"
    bad = copy.deepcopy(document)
    bad["study"]["name"] = bad["trained_on"] = bad["command"] = planted
    bad["hospitals"][0]["name"] = planted
    bad["hospitals"][1]["diseased"]["undefined"]["auc"] = planted
    bad["left_out"] = {planted: planted}
    bad["settings"]["name"] = bad["settings"]["stages"][0]["name"] = planted
    bad["seconds"] = {planted: 1.0}
    for record in bad["rounds"]:
        record["stage"] = planted
    page = render(bad, [Example(planted, "covid", planted, b"", 0.0, 0.0)])
    assert "<script" not in page
    assert Tags(page).text.count(planted) >= 10


def test_a_setting_of_one_stage_shows_the_others_default(document: dict[str, Any]) -> None:
    assert "patches" not in document["settings"]["stages"][0]  # what is as by default may be left out
    rows = dict(of_stages(document["settings"]["stages"]))
    assert rows["patches"] == ["crop", "lobe"] and rows["rounds"] == ["6", "2"]
    assert rows["augmentation"] == ["none", "shift 4, intensity 0.02, flip no, breath 0.25"]
    assert "name" not in rows and "warm_up_rounds" not in rows  # no stage says so
    text = Tags(render(document, [])).text
    assert all(f"{name}{''.join(values)}" in text for name, values in rows.items())


def test_undefined_is_said_and_never_a_number(document: dict[str, Any]) -> None:
    nothing = copy.deepcopy(document)
    for place in (*nothing["hospitals"], *nothing["pooled"].values()):
        for task in ("diseased", "covid"):
            figures = set(place[task]) - {"n", "undefined"}
            place[task] = {"n": 0, "undefined": dict.fromkeys(figures, "none came")} | dict.fromkeys(figures)
    nothing["roc"] = {group: {"diseased": None, "covid": None} for group in nothing["roc"]}
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
            names = ("within_auc", "auc", "next_hospital", "worst_hospital", "calibration")
            group[task] |= dict.fromkeys(names)
            group[task]["undefined"] |= {name: f"no {name} here" for name in names}
        group["three_class"]["counts"] = dict.fromkeys(group["three_class"]["counts"])
        group["three_class"]["undefined"] = dict.fromkeys(group["three_class"]["counts"], "none was called")
        group["three_class"]["accuracy"] = None
    nothing["roc"] = {group: {"diseased": None, "covid": None} for group in nothing["roc"]}
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
