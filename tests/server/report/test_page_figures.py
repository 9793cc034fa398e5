"""Every figure that the page marks with its path in report.json is the one that stands there."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from server.report.comparison import comparison
from server.report.page import render
from server.report.report_json import report_document
from tests.support import example_result

PERCENT = ("accuracy", "sensitivity", "sensitivity_covid", "sensitivity_other", "specificity")
UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}


class Marked(HTMLParser):
    """Text by `data-figure`, of the element and all in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._open: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img", "input", "br"):
            self._open.append(dict(attrs).get("data-figure"))

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for path in filter(None, self._open):
            self.found[path] = self.found.get(path, "") + " " + data


def at(document: Any, path: str) -> Any:
    for step in path.removesuffix(".roc").split("."):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


@pytest.fixture(scope="module")
def compared(document: dict[str, Any]) -> dict[str, Any]:
    result = example_result.result()
    fewer = {name: one for name, one in result.evaluations.items() if name not in ("glen", "amber", "dune")}
    other = report_document(result.model_copy(update={"evaluations": fewer}))
    return {**document, "comparison": comparison(document, other)}


def test_every_marked_figure_is_the_one_in_report_json(compared: dict[str, Any]) -> None:
    found = Marked(render(compared, [])).found
    assert len(found) > 250
    for path, text in found.items():
        told = at(compared, path)
        if told is None:
            assert re.search("undefined|fewer than", text), path
            continue
        if "name" in (told if isinstance(told, dict) else ()):  # the worst hospital
            text = text.replace(told["name"], "")
        value = told["value"] if isinstance(told, dict) else told
        number = re.search(r"[+−-]?\d+(\.\d+)?", text)
        assert number is not None, (path, text)
        digits = len((number.group(1) or ".")[1:])
        shown = float(number.group().replace("−", "-"))
        scale = 100.0 if path.split(".")[-1] in PERCENT and not path.startswith("comparison") else 1
        if ".bytes_" in path:
            scale = 1 / UNITS[text.split()[-1]]
        assert shown == pytest.approx(scale * value, abs=0.5 * 10**-digits * (1 + 1e-9)), path


def test_a_figure_that_is_undefined_is_never_a_number(compared: dict[str, Any]) -> None:
    found = Marked(render(compared, [])).found
    undefined = [path for path in found if at(compared, path) is None and ".counts." not in path]
    assert len(undefined) > 10
    assert all("undefined" in found[path] for path in undefined)
