"""The report page in a real browser: what is seen, at three widths, light and dark, offline."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page

from server.report.report_files import write_report
from tests.support import example_result
from tests.support.chromium import NEEDS_CHROMIUM, chromium

pytestmark = NEEDS_CHROMIUM

SECTIONS = (
    "verdict", "forest", "federation", "training", "tables", "between", "calls", "calibration", "thresholds",
    "decision", "roc", "examples", "line", "making",
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
    with chromium() as browser:
        yield browser


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
        assert drawing.bounding_box()["width"] > 140
    for label in page.locator("figure svg text").all()[:400:7]:
        assert label.bounding_box()["height"] >= 7.5  # about the size of the type
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
    measured = "#forest, #tables, #between, #calls, #calibration, #thresholds, #decision, #roc"
    assert page.locator(measured).count() == 0 and page.locator("#line").is_visible()
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
            for name in ("intercept", "slope"):
                figure = figures[f"calibration_{name}"]
                told = shown.pop(f"{path}.calibration_{name}").replace("\N{MINUS SIGN}", "-").split()
                assert [float(told[0]), float(told[1]), float(told[3])] == [
                    pytest.approx(figure[key], abs=0.005) for key in ("value", "low", "high")
                ]
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


def test_roc_by_hospital_and_traffic_are_what_report_json_says(browser: Browser, folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    cells = page.locator("#roc [data-figure], #line [data-figure]").all()
    shown = {cell.get_attribute("data-figure"): cell.inner_text() for cell in cells}
    for index, hospital in enumerate(document["hospitals"]):
        for task in ("diseased", "covid"):
            area = hospital[task]["auc"]
            expected = "undefined" if area is None else f"{area['value']:.3f}"
            assert shown.pop(f"hospitals.{index}.{task}.auc.roc") == expected
        for name in ("requests", "again"):
            assert shown.pop(f"hospitals.{index}.traffic.{name}") == str(hospital["traffic"][name])
        for name in ("bytes_down", "bytes_up"):
            number, unit = shown.pop(f"hospitals.{index}.traffic.{name}").split()
            size = float(number) * {"kB": 1e3, "MB": 1e6}[unit]
            assert size == pytest.approx(hospital["traffic"][name], rel=0.01)
    assert shown == {}


def test_the_table_of_thresholds_is_what_report_json_says(browser: Browser, folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    for table, task in zip(page.locator("table.thresholds").all(), ("diseased", "covid"), strict=True):
        columns = document["curves"]["unseen"][task]["thresholds"]
        positives, negatives = (columns[name]["scans"] for name in ("positives", "negatives"))
        for line in table.locator("tbody tr").all():
            percent = float(line.locator("th").inner_text().split()[0])
            row = min(range(len(columns["threshold"])),
                      key=lambda i: abs(columns["threshold"][i] - percent / 100))  # fmt: skip
            true, false = columns["true_positives"][row], columns["false_positives"][row]
            counted = {
                "sensitivity": (true, positives), "specificity": (negatives - false, negatives),
                "ppv": (true, true + false), "npv": (negatives - false, positives + negatives - true - false),
            }  # fmt: skip
            for name, (k, n) in counted.items():
                value, _, *told = line.locator(f"[data-threshold='{task}.{name}']").inner_text().split()
                assert value == f"{round(100 * k / n, 1):.1f}" and told == [str(k), "of", str(n)]


def test_the_slider_tells_what_a_threshold_would_do(browser: Browser, folder: Path) -> None:
    """Predictive values are Bayes' rule at the prevalence that was typed; rates are report.json's counts."""
    document = json.loads((folder / "report.json").read_text())
    page, noises = opened(browser, folder)
    card = page.locator("#chooser [data-task=covid]")
    told = {name: card.locator(f"[data-out={name}]") for name in ("sensitivity", "specificity", "ppv", "npv")}
    block = document["pooled"]["unseen"]["covid"]
    for name in ("sensitivity", "specificity"):  # it begins at the operating point
        figure = block[name]
        assert told[name].inner_text() == f"{100 * figure['value']:.1f} %"
        limits = f"{100 * figure['low']:.1f}–{100 * figure['high']:.1f}, {figure['k']} of {figure['n']}"
        assert card.locator(f"[data-detail={name}]").inner_text() == limits
    page.locator("#chooser select").select_option("glen")
    card.locator("[type=range]").fill("24")
    card.locator("[type=number]").fill("2.5")
    columns = document["curves"]["hospitals"]["glen"]["covid"]["thresholds"]
    assert card.locator("[data-out=threshold]").inner_text() == f"{100 * columns['threshold'][24]:.1f} %"
    sensitivity = columns["true_positives"][24] / columns["positives"]["scans"]
    specificity = 1 - columns["false_positives"][24] / columns["negatives"]["scans"]
    ppv = sensitivity * 0.025 / (sensitivity * 0.025 + (1 - specificity) * 0.975)
    npv = specificity * 0.975 / (specificity * 0.975 + (1 - sensitivity) * 0.025)
    expected = {"sensitivity": sensitivity, "specificity": specificity, "ppv": ppv, "npv": npv}
    assert {name: one.inner_text() for name, one in told.items()} == {
        name: f"{100 * value:.1f} %" for name, value in expected.items()
    }
    assert [noise for noise in noises if not noise.startswith(("data:", "file:"))] == []


def test_the_slider_says_what_is_undefined(browser: Browser, folder: Path) -> None:
    page, _ = opened(browser, folder)
    card = page.locator("#chooser [data-task=diseased]")
    page.locator("#chooser select").select_option("fjord")  # one class
    for name, why in (("specificity", "no scan of this class"), ("ppv", "both classes are needed")):
        assert card.locator(f"[data-out={name}]").inner_text() == "undefined"
        assert card.locator(f"[data-detail={name}]").inner_text() == why
    page.locator("#chooser select").select_option("birch")  # nothing was returned
    outs = card.locator("dl [data-out]").all_inner_texts()
    assert outs == ["undefined"] * 4
    page.locator("#chooser select").select_option("dune & <b>sons</b>")  # a name is text
    assert card.locator("[data-out=sensitivity]").inner_text() != "undefined"
    card.locator("[type=number]").fill("")
    assert card.locator("[data-out=npv]").inner_text() == "undefined"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_saved_as_svg_and_csv(browser: Browser, folder: Path, scheme: str) -> None:
    page, _ = opened(browser, folder, scheme=scheme)
    figure = page.locator("figure", has=page.locator("#forest-diseased-title"))
    with page.expect_download() as saved:
        figure.locator("button.save").click()
    assert saved.value.suggested_filename == "forest-diseased.svg"
    text = saved.value.path().read_text()
    drawn = ElementTree.fromstring(text)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg" and "var(" not in text
    assert "#0072b2" in text and "#5ab4ea" not in text  # the light page's colours, on white paper
    assert "dune & <b>sons</b>" in [element.text for element in drawn.iter()]
    with page.expect_download() as saved:
        figure.locator("a[download]").click()
    assert saved.value.path().read_text().startswith("kind,name,task,value,low,high\nhospital,elm,diseased,")
    with page.expect_download() as saved:
        page.locator("a[download='figures.csv']").click()
    assert saved.value.path().read_text() == (folder / "figures.csv").read_text()


def test_without_scripts_everything_but_the_slider_is_there(browser: Browser, folder: Path) -> None:
    page = browser.new_context(java_script_enabled=False, offline=True).new_page()
    page.goto((folder / "report.html").as_uri())
    for section in SECTIONS:
        assert page.locator(f"#{section} h2").is_visible()
    assert page.locator("table.thresholds").first.is_visible()
    assert not page.locator("#chooser").is_visible() and not page.locator("button.save").first.is_visible()


def test_the_slider_answers_to_the_keyboard(browser: Browser, folder: Path) -> None:
    page, _ = opened(browser, folder)
    slider = page.locator("#threshold-diseased")
    before = slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowRight")
    after = slider.get_attribute("aria-valuetext")
    assert before != after and after == page.locator("[data-task=diseased] output").inner_text()


def test_each_undefined_figure_leads_to_its_reason(browser: Browser, folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    page, _ = opened(browser, folder)
    cell = page.locator("#table-3 [data-figure='hospitals.5.diseased.specificity']")
    note = page.locator(cell.locator("a").get_attribute("href"))
    assert document["hospitals"][5]["diseased"]["undefined"]["specificity"] in note.inner_text()
