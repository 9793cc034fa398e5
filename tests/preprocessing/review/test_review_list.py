"""review.csv and review.html: the order, what they name, and that the page needs nothing else."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from preprocessing.review.review_list import (
    NO_SHEET,
    ReviewedScan,
    doubt_document,
    ranges,
    render,
    review,
    write_review,
)
from preprocessing.review.scan_doubts import ScanDoubts, SliceDoubt
from preprocessing.review.sheet_files import write_sheet
from tests.support.segmented_scans import leaking_chest, whole_chest, without_side

WHOLE = whole_chest(pixel_mm=3.0)
SCANS = {
    "0a": WHOLE,
    "1b": without_side(WHOLE, 0, {3}),
    "2c": leaking_chest({4: (150, 130, 210, 230)}, pixel_mm=3.0),
    "3d": without_side(WHOLE, 1, {4, 5, 6, 8}),
}
LARGE = ReviewedScan(
    "k1", 7, ScanDoubts(20, (SliceDoubt(3, "outside-air", 2.0), SliceDoubt(4, "outside-air", 1.0)))
)


class Page(HTMLParser):
    """What a page contains, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        self.links += [values["href"] or ""] if "href" in values else []
        self.pictures += [values["src"] or ""] if "src" in values else []


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for key, scan in SCANS.items():
        write_sheet(tmp_path, key, scan)
    return tmp_path


def test_the_most_doubtful_scans_come_first_and_those_without_a_sheet_last(store: Path) -> None:
    scans = review(store, ["00", *SCANS, "4e"], {"1b": 3, "2c": 2})
    assert [scan.key for scan in scans] == ["3d", "1b", "2c", "0a", "00", "4e"]
    assert [scan.row for scan in scans] == [None, 3, 2, None, None, None]
    volumes = [scan.doubtful_ml for scan in scans]
    assert volumes == sorted(volumes, reverse=True)
    assert volumes[:2] == pytest.approx([4 * 70.2, 70.2])  # 180 x 78 mm on pixels of 3 mm, 5 mm high


def test_the_table_has_a_row_for_each_scan(store: Path) -> None:
    write_review(store, review(store, [*SCANS, "4e"], {"3d": 12}))
    with (store / "review.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == ["3d", "1b", "2c", "0a", "4e"]
    assert rows[0]["labels_row"] == "12" and rows[1]["labels_row"] == ""
    assert rows[0]["doubts"] == "side-missing 4-6, 8" and rows[0]["slices"] == "12"
    assert rows[2]["doubts"].startswith("far-from-air 4")
    assert rows[3]["doubts"] == "" and rows[3]["doubtful_ml"] == "0.0"
    assert rows[4]["doubts"] == NO_SHEET and rows[4]["slices"] == ""
    for row in rows[:4]:
        assert (store / row["sheet"]).is_file()


def test_the_page_shows_doubtful_scans_in_order_and_needs_no_network(store: Path) -> None:
    write_review(store, review(store, SCANS, {}))
    page = Page((store / "review.html").read_text())
    assert page.pictures == ["sheets/3d.jpg", "sheets/1b.jpg", "sheets/2c.jpg"]
    assert page.links == [*page.pictures, "sheets/0a.jpg"]
    assert not page.tags & {"script", "link", "iframe", "form"}
    assert all((store / link).is_file() for link in page.links)


def test_what_is_shown_is_escaped_and_an_empty_list_is_a_page() -> None:
    planted = ReviewedScan("<b>&", 2, LARGE.doubts)
    text = render([planted, ReviewedScan("<i>", None, None)])
    assert "<b>&" not in text.replace("<b>far", "") and "&lt;b&gt;&amp;" in text and "<i>" not in text
    assert "0 of 0 scans" in render([])


def test_words_and_document_of_a_doubtful_scan() -> None:
    assert LARGE.title == "3.0 ml in doubt in k1, row 7 of the labels"
    assert LARGE.text == "outside-air 3-4"
    assert doubt_document(LARGE) == {
        "key": "k1", "row": 7, "slices": [3, 4], "kinds": ["outside-air"], "doubtful_ml": 3.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([4], "4"), ([4, 5], "4-5"), ([1, 3, 4, 5, 9, 11, 12], "1, 3-5, 9, 11-12")],
)
def test_runs_of_numbers_are_shortened(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
