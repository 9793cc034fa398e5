"""The report page in a real browser: what is seen, at three widths, light and dark, offline."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from server.report.report_files import write_report
from tests.support import example_result

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
SECTIONS = (
    "verdict", "federation", "training", "tables", "between", "calls", "calibration", "roc", "examples",
    "making",
)  # fmt: skip
TABLE_FIGURES = {
    "diseased": ("accuracy", "sensitivity_covid", "sensitivity_other", "specificity", "auc"),
    "covid": ("accuracy", "sensitivity", "specificity", "auc"),
}

# Elements with text of their own whose contrast (WCAG 2.1) with what lies behind is below 4.5.
FAINT = """() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const opaque = colour => { const n = numbers(colour); return n.length < 4 || n[3] > 0; };
  const behind = element => {
    while (element && !opaque(getComputedStyle(element).backgroundColor)) element = element.parentElement;
    return element ? numbers(getComputedStyle(element).backgroundColor) : [255, 255, 255];
  };
  const inFront = element => {
    const style = getComputedStyle(element);
    return numbers(element instanceof SVGElement ? style.fill : style.color);
  };
  const hasText = element => [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  const contrast = element => {
    const [dim, bright] = [luminance(inFront(element)), luminance(behind(element))].sort((x, y) => x - y);
    return (bright + 0.05) / (dim + 0.05);
  };
  return [...document.body.querySelectorAll("*")]
    .filter(e => hasText(e) && e.getClientRects().length && contrast(e) < 4.5)
    .map(e => e.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    write_report(path, example_result.result(), examples=example_result.examples())
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=120_000)
        yield browser
        browser.close()


def opened(
    browser: Browser, folder: Path, *, width: int = 1100, scheme: Any = "light"
) -> tuple[Page, list[str]]:
    """The page, and everything it asked for or complained of while it loaded."""
    page = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    ).new_page()
    noises: list[str] = []
    page.on("console", lambda message: noises.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noises.append(f"error: {error}"))
    page.on("request", lambda request: noises.append(request.url))
    page.goto((folder / "report.html").as_uri(), timeout=60_000)
    page.wait_for_load_state("networkidle")
    return page, noises


def test_the_page_is_quiet_and_asks_for_nothing(browser: Browser, folder: Path) -> None:
    _, noises = opened(browser, folder)
    fetched = [noise for noise in noises if not noise.startswith("data:")]
    assert fetched == [(folder / "report.html").as_uri()]


@pytest.mark.parametrize(
    ("width", "scheme"), [(1100, "light"), (1100, "dark"), (700, "light"), (390, "dark")]
)
def test_everything_is_seen_at_every_width(browser: Browser, folder: Path, width: int, scheme: str) -> None:
    page, _ = opened(browser, folder, width=width, scheme=scheme)
    for section in SECTIONS:
        assert page.locator(f"#{section} h2").is_visible()
        assert page.locator(f"#{section}").bounding_box()["height"] > 150
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for picture in page.locator("img").all():
        assert picture.evaluate("e => e.complete && e.naturalWidth > 0")
    for drawing in page.locator("figure svg").all():
        assert drawing.bounding_box()["width"] > 200
    assert page.evaluate(FAINT) == []


def test_counts_below_a_floor_and_at_least_are_seen(browser: Browser, folder: Path, tmp_path: Path) -> None:
    result = example_result.result()
    first, *others = result.hospitals
    few = replace(first, counts={**first.counts, "covid": None}, count_floor=10, at_least=("other",))
    write_report(tmp_path, result.model_copy(update={"hospitals": (few, *others)}))
    page, _ = opened(browser, tmp_path, width=390)
    covid, other, healthy = (
        page.locator(f"#federation [data-figure='hospitals.0.counts.{label}']")
        for label in ("covid", "other", "healthy")
    )
    assert covid.inner_text() == "fewer than 10" and other.inner_text() == "38"
    before = "e => getComputedStyle(e, '::before').content"
    assert "≥" in other.evaluate(before) and healthy.evaluate(before) == "none"
    assert covid.bounding_box()["x"] + covid.bounding_box()["width"] <= 390  # without scrolling


def test_a_partial_report_says_so_and_measures_nothing(browser: Browser, tmp_path: Path) -> None:
    result = example_result.result()
    unmeasured = {"evaluations": {}, "final_replies": {}, "ended": None, "rounds": result.rounds[:5]}
    write_report(tmp_path, result.model_copy(update=unmeasured))
    page, noises = opened(browser, tmp_path, width=390)
    assert page.title().startswith("Partial: ") and len(noises) == 1
    assert "5 of 8 rounds" in page.locator("h1").inner_text()
    assert page.locator("#verdict .big").all_inner_texts()[0].split()[-1] == "0.851"
    assert page.locator("#tables, #between, #calls, #calibration, #roc").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(FAINT) == []


def test_dark_is_dark_and_light_is_light(browser: Browser, folder: Path) -> None:
    for scheme, expected in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(19, 23, 27)")):
        page, _ = opened(browser, folder, scheme=scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == expected


def test_what_the_tables_show_is_what_report_json_says(browser: Browser, folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    shown = {
        cell.get_attribute("data-figure"): " ".join(cell.locator("> *:not(sup)").all_inner_texts()).split()
        for cell in page.locator("#tables [data-figure]").all()
    }
    places = [(f"hospitals.{i}", h) for i, h in enumerate(document["hospitals"])]
    places += [(f"pooled.{group}", document["pooled"][group]) for group in ("seen", "unseen")]
    expected = {
        f"{path}.{task}.{name}": words(name, place[task][name])
        for path, place in places
        for task, names in TABLE_FIGURES.items()
        for name in (*names, *(("within_auc",) if path.startswith("pooled") else ()))
    }
    assert shown.keys() == expected.keys()
    for path, told in expected.items():
        assert shown[path] == told, path


def words(name: str, figure: dict[str, float] | None) -> list[str]:
    if figure is None:
        return ["undefined"]
    is_area = name in ("auc", "within_auc")
    scale, digits = (1, 3) if is_area else (100, 1)
    value, low, high = (
        f"{round(scale * figure[key], digits):.{digits}f}" for key in ("value", "low", "high")
    )
    counted = [str(figure["n"]), "scans"] if is_area else [str(figure["k"]), "of", str(figure["n"])]
    return [value, f"{low}–{high}", *counted]


def test_the_headline_is_the_auc_within_held_out_hospitals(browser: Browser, folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    for task in ("diseased", "covid"):
        shown = page.locator(f"#verdict [data-figure='pooled.unseen.{task}.within_auc']")
        headline = document["pooled"]["unseen"][task]["within_auc"]["value"]
        assert float(shown.inner_text()) == round(headline, 3)
        assert shown.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 40
    assert "Not for patients" in page.locator("header").inner_text()


def test_calls_calibration_and_the_next_hospital_are_what_report_json_says(
    browser: Browser, folder: Path
) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    cells = page.locator("#between [data-figure], #calls [data-figure], #calibration [data-figure]").all()
    shown = {cell.get_attribute("data-figure"): cell.inner_text() for cell in cells}
    for group in ("seen", "unseen"):
        block = document["pooled"][group]
        for truth, row in block["three_class"]["counts"].items():
            for called, scans in row.items():
                assert shown.pop(f"pooled.{group}.three_class.counts.{truth}.{called}") == str(scans)
        for task in ("diseased", "covid"):
            path, figures = f"pooled.{group}.{task}", block[task]
            for name in ("before", "after"):
                assert float(shown.pop(f"{path}.calibration.{name}")) == round(
                    figures["calibration"][name], 3
                )
            worst, following = figures["worst_hospital"], figures["next_hospital"]
            assert shown.pop(f"{path}.worst_hospital").startswith(f"{worst['name']}: {worst['value']:.3f}")
            if following is not None:
                assert float(shown.pop(f"{path}.next_hospital.value")) == round(following["value"], 3)
                limits = f"{following['low']:.3f}–{following['high']:.3f}"
                assert shown.pop(f"{path}.next_hospital.low") == limits
    assert shown == {}


def test_each_undefined_figure_leads_to_its_reason(browser: Browser, folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    cell = page.locator("#table-3 [data-figure='hospitals.5.diseased.specificity']")
    note = page.locator(cell.locator("a").get_attribute("href"))
    assert document["hospitals"][5]["diseased"]["undefined"]["specificity"] in note.inner_text()
