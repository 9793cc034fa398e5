"""The viewer in Chromium by each way of operating it: wheel, keys, slider, mouse, touch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from client.reading_room.reading_log import Answer
from tests.support.chromium import NEEDS_CHROMIUM, TABBED, Visitor, chromium
from tests.support.viewed_studies import ViewedRoom, add_study, drawn, read_as, viewed_room

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("room")
    add_study(made, "scan", lesion_side=1)
    add_study(made, "other", lesion_side=2)
    return made


@pytest.fixture(scope="module")
def room(folder: Path) -> Iterator[ViewedRoom]:
    with viewed_room(folder, blinded=False) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def visitor(browser: Browser, room: ViewedRoom) -> Visitor:
    return read_as(browser, room.address, "/scans/scan")


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """The scan's page opened anew, at slice 5 of 0 to 11, all loaded."""
    page = visitor.see("/scans/scan")
    drawn(page, "axial 5")
    page.wait_for_selector("#loaded:empty", state="attached")
    return page


def middle(page: Page) -> tuple[float, float]:
    """Of the canvas, in pixels of the window."""
    box = page.locator("#scan").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def window(page: Page) -> tuple[int, int]:
    return int(page.input_value("#window-centre")), int(page.input_value("#window-width"))


def drag(page: Page, x: float, y: float, button: Any = "left") -> None:
    """From the canvas's middle by (x, y) pixels."""
    from_x, from_y = middle(page)
    page.mouse.move(from_x, from_y)
    page.mouse.down(button=button)
    page.mouse.move(from_x + x / 2, from_y + y / 2)
    page.mouse.move(from_x + x, from_y + y)
    page.mouse.up(button=button)


def touch(page: Page, *steps: list[tuple[float, float]]) -> None:
    """Fingers at the places of the first step, moved to those of the next, and lifted."""
    session = page.context.new_cdp_session(page)
    for number, places in enumerate(steps):
        kind = "touchMove" if number else "touchStart"
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def test_scrolling_by_wheel_keys_slider_and_drag(page: Page) -> None:
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, 100)  # towards the feet
    drawn(page, "axial 4")
    for _ in range(3):
        page.mouse.wheel(0, -100)
    drawn(page, "axial 7")
    for _ in range(5):
        page.mouse.wheel(0, 10)  # a trackpad
    drawn(page, "axial 6")
    page.focus("#scan")
    keys = {"ArrowDown": 5, "ArrowUp": 6, "ArrowRight": 7, "ArrowLeft": 6, "PageDown": 0, "PageUp": 10}
    for key, slice_ in {**keys, "End": 11, "Home": 0}.items():
        page.keyboard.press(key)
        drawn(page, f"axial {slice_}")
    page.focus("#slice")
    page.keyboard.press("ArrowRight")
    drawn(page, "axial 1")
    assert page.get_attribute("#slice", "aria-valuetext") == "slice 2 of 12 from the feet"
    assert page.inner_text("#where") == "slice 2 of 12 from the feet, z = 6.0 mm"
    drag(page, 0, -50)
    drawn(page, "axial 4")


def test_scrolling_and_zooming_by_touch(page: Page) -> None:
    x, y = middle(page)
    touch(page, [(x, y)], [(x, y - 26)], [(x, y - 50)])
    drawn(page, "axial 8")
    before = float(page.get_attribute("#scan", "data-bar").split()[2]) / scale_bar_mm(page)
    touch(page, [(x - 50, y), (x + 50, y)], [(x - 75, y), (x + 75, y)], [(x - 100, y), (x + 100, y)])
    settled(page)
    after = float(page.get_attribute("#scan", "data-bar").split()[2]) / scale_bar_mm(page)
    assert after / before == pytest.approx(2, rel=0.05)
    drawn(page, "axial 8")


def scale_bar_mm(page: Page) -> float:
    return float((page.get_attribute("#scan", "data-bar") or "").split()[0])


def settled(page: Page) -> None:
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_window_by_presets_keys_numbers_and_drags(page: Page) -> None:
    assert window(page) == (-600, 1500)
    page.click('[data-preset="mediastinum"]')
    assert window(page) == (40, 400)
    assert page.get_attribute('[data-preset="mediastinum"]', "aria-pressed") == "true"
    assert page.get_attribute('[data-preset="lung"]', "aria-pressed") == "false"
    page.focus("#scan")
    page.keyboard.press("1")
    assert window(page) == (-600, 1500)
    page.keyboard.press("2")
    drag(page, 20, 10, button="right")
    assert window(page) == (40 + 30, 400 + 60)
    page.click("label[for=tool-window]")
    drag(page, -20, -10)
    assert window(page) == (40, 400)
    page.focus("#scan")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert window(page) == (20, 440)
    page.fill("#window-centre", "-300")
    page.fill("#window-width", "1")  # too narrow
    page.press("#window-width", "Tab")
    assert window(page) == (-300, 2)
    page.fill("#window-centre", "")
    page.press("#window-centre", "Tab")
    assert window(page) == (-300, 2)


def hu_under(page: Page, x: float, y: float) -> str:
    page.mouse.move(x, y)
    return page.inner_text("#readout")


def test_zoom_keeps_the_place_under_the_pointer_and_pan_moves_it(page: Page) -> None:
    x, y = middle(page)
    place = (x - 120, y + 60)
    before = hu_under(page, *place)
    assert before.startswith(("-850 HU", "-300 HU"))
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    settled(page)
    assert hu_under(page, *place) == before
    page.focus("#scan")
    page.click("label[for=tool-pan]")
    zoomed = hu_under(page, x, y)
    drag(page, 40, 0)
    assert hu_under(page, x + 40, y) == zoomed != hu_under(page, x, y)
    page.focus("#scan")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    assert hu_under(page, x, y) == zoomed
    page.click("#zoom-reset")
    assert hu_under(page, *place) == before
    page.click("#zoom-in")
    page.focus("#scan")
    page.keyboard.press("-")
    assert hu_under(page, *place) == before


def test_the_point_is_read_and_all_planes_go_through_it(page: Page) -> None:
    x, y = middle(page)
    under = hu_under(page, x - 120, y + 60)
    page.click("label[for=tool-point]")
    page.mouse.click(x - 120, y + 60)
    page.mouse.move(0, 0)
    assert page.inner_text("#readout") == under
    row, column = (int(part.split()[-1]) for part in under.split(", ")[1:])
    page.focus("#scan")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#readout").endswith(f"row {row + 1}, column {column + 1}")
    page.keyboard.press("c")
    drawn(page, f"coronal {row}")
    page.keyboard.press("ArrowUp")  # towards the head
    page.keyboard.press("a")
    drawn(page, "axial 6")
    page.keyboard.press("s")
    drawn(page, f"sagittal {column}")
    page.mouse.move(x, y)
    page.mouse.wheel(0, 100)  # to the patient's left
    drawn(page, f"sagittal {column + 1}")


def test_chart_table_and_thumbnails_go_to_their_slices(page: Page) -> None:
    page.locator("#chart").scroll_into_view_if_needed()
    chart = page.locator("#chart").bounding_box()
    assert chart is not None
    width = chart["width"] - 46 - 12
    page.mouse.click(chart["x"] + 46 + 9.5 / 12 * width, chart["y"] + 60)
    drawn(page, "axial 9")
    marker = page.get_attribute("#chart .marker", "d") or ""
    assert float(marker[1:].split()[0]) == pytest.approx(46 + 9.5 / 12 * width, abs=0.1)
    page.focus("#chart")
    for key, slice_ in {"ArrowLeft": 8, "ArrowUp": 9, "Home": 0, "PageUp": 10, "End": 11}.items():
        page.keyboard.press(key)
        drawn(page, f"axial {slice_}")
    page.focus("#scan")
    page.keyboard.press("c")
    page.click("#chart", position={"x": 46 + 3.5 / 12 * width, "y": 40})
    drawn(page, "axial 3")  # which the chart is of
    words = page.get_attribute("#chart", "aria-valuetext") or ""
    page.click("#by-slice summary")
    cells = page.locator(".by-slice tbody tr:nth-child(4) td").all_inner_texts()
    assert words == (
        f"Slice 4 of 12: disease right {cells[1]}, left {cells[4]}; COVID-19 if diseased right {cells[2]}, "
        f"left {cells[5]}; infected right {cells[3]}, left {cells[6]} cm²"
    )
    assert page.locator(".by-slice tbody tr").count() == 12
    thumbnail = page.locator(".thumbnail").nth(2)
    thumbnail.locator('canvas[data-drawn="yes"]').wait_for()
    thumbnail.click()
    drawn(page, f"axial {thumbnail.get_attribute('data-slice')}")
    assert thumbnail.get_attribute("aria-pressed") == "true"


def test_memory_is_bounded_and_the_nearest_slices_are_kept(page: Page) -> None:
    """A scan of 3000 slices of 512 x 512: what is loaded stays under the cap, round what is shown."""
    found = page.evaluate(
        """async () => {
          const { Volume } = await import('/static/reading/viewer/volume.js');
          const asked = [];
          window.fetch = async (address) => { asked.push(address); await new Promise(() => {}) };
          const size = { slice: 3000, row: 512, column: 512 };
          const volume = new Volume('/scans/x', size, { changed() {}, told() {} });
          volume.lookAt(1500);
          const moving = asked.length;
          await new Promise((done) => setTimeout(done, 250));
          volume.lookAt(1500);
          const first = [...asked], range = volume.range();
          volume.add('labels');
          const narrower = volume.range();
          volume.scan[1500] = volume.scan[10] = new Int16Array(1);
          volume.lookAt(1501);
          const kept = [Boolean(volume.scan[1500]), Boolean(volume.scan[10])];
          volume.lookAt(2999);
          return { moving, first, range, narrower, kept, last: volume.range() };
        }"""
    )
    slices = [int(address.rpartition("/")[2]) for address in found["first"]]
    assert found["moving"] == 1 and slices == [1500, 1499, 1501]
    low, high = found["range"]
    assert (high - low + 1) * 512 * 512 * 2 <= 768 * 2**20 and low < 1500 < high and high - low > 1400
    low, high = found["narrower"]
    assert (high - low + 1) * 512 * 512 * 3 <= 768 * 2**20 and high - low > 900
    assert found["kept"] == [True, False] and found["last"][1] == 2999


def test_a_lost_connection_is_said_and_loading_goes_on(browser: Browser, room: ViewedRoom) -> None:
    visitor = read_as(browser, room.address, "/")
    visitor.page.route("**/slices/*", lambda route: route.abort())
    page = visitor.see("/scans/scan")
    page.wait_for_selector("#problem:visible")
    assert "No connection" in page.inner_text("#problem")
    visitor.page.unroute("**/slices/*")
    drawn(page, "axial 5")
    assert page.is_hidden("#problem")
    visitor.page.route("**/slices/*", lambda route: route.fulfill(status=401))
    page = visitor.see("/scans/scan")
    page.wait_for_selector("#problem:visible")
    assert "logged out" in page.inner_text("#problem")


def test_before_the_answer_nothing_of_the_model_is_asked_for_or_given(browser: Browser, folder: Path) -> None:
    with viewed_room(folder, blinded=True) as blinded:
        visitor = read_as(browser, blinded.address, "/scans/scan", reader="bela")
        page = visitor.page
        drawn(page, "axial 6")
        page.wait_for_selector("#loaded:empty", state="attached")
        assert page.locator("#model, #chart, .thumbnail, [data-overlay]").count() == 0
        asked = [
            url for url in visitor.requests if any(part in url for part in ("model", "labels", "attention"))
        ]
        assert asked == []
        refused = "path => fetch(`/scans/scan/${path}`).then(answer => answer.status)"
        for path in ("model.json", "labels/5", "attention/diseased/5", "attention/covid/5"):
            assert page.evaluate(refused, path) == 403
        assert visitor.violations() == [] and not visitor.is_wider_than_window()
        blinded.room.answer("bela", "scan", Answer("covid", 4))
        page = visitor.see("/scans/scan")
        drawn(page, "axial 5")
        page.wait_for_selector(".marker", state="attached")
        assert page.inner_text(".verdict").startswith("COVID-19")


@pytest.mark.parametrize("width", [1280, 768])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everybody(browser: Browser, room: ViewedRoom, width: int, scheme: str) -> None:
    visitor = read_as(browser, room.address, "/scans/scan", width=width, scheme=scheme)
    page = visitor.page
    drawn(page, "axial 5")
    page.wait_for_selector(".marker", state="attached")
    for summary in page.locator("details > summary").all():
        summary.click()
    assert visitor.violations() == []
    assert not visitor.is_wider_than_window()
    assert visitor.complaints == [] and visitor.asked_elsewhere() == []
    assert page.locator("[style], style, script:not([src])").count() == 0


def test_by_keyboard_alone(page: Page) -> None:
    """Tab reaches each control, which shows that it has the focus; the picture lets go of it."""
    page.focus("header a")
    seen: list[tuple[str, bool]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(tuple(page.evaluate(TABBED)))
        if seen[-1][0] == "the browser's own":
            break
    names = [name for name, _ in seen]
    for name in ("window-centre", "window-width", "zoom-in", "smooth", "scan", "slice", "chart"):
        assert name in names, names
    assert sum("slice" in name for name in names) >= 4  # thumbnails too
    radios = {"plane-axial", "tool-scroll"}  # whose label shows the focus
    assert [name for name, shown in seen if not shown and name not in radios] == []
    page.focus("#plane-axial")
    page.keyboard.press("ArrowRight")
    drawn(page, "coronal 48")
    outline = page.evaluate(
        "getComputedStyle(document.querySelector('label[for=plane-coronal]')).outlineStyle"
    )
    assert outline != "none"
