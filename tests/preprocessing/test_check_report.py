"""The report of `hospital check`: its JSON document, its table, its summary."""

from rich.console import Console

from preprocessing.check_report import check_document, check_summary, check_table
from preprocessing.reading.series import CtSeries, Refusal, SeriesReport
from tests.support.ct_slices import ct_slice


def series(uid: str, *, kernel: str = "SOFT", flags: tuple[str, ...] = ()) -> CtSeries:
    images = tuple(ct_slice(position=(0, 0, 5.0 * number), kernel=kernel) for number in range(12))
    return CtSeries(images, uid, "p", (5.0, 0.70314, 0.7), flags)


REPORT = SeriesReport(
    accepted=(series("1.1", kernel="?"), series("1.2", kernel="B60f", flags=("contrast",))),
    refused=(
        Refusal("1.3", "series", "too-few-slices", "3 slices"),
        Refusal("1.3", "series", "not-chest", "a knee"),
        Refusal("in/letter.txt", "file", "not-dicom", "no DICOM"),
        Refusal("in/other.txt", "file", "not-dicom", "no DICOM"),
        Refusal("in/empty", "file", "empty-file", "empty"),
    ),
)


def test_the_document_lists_series_with_the_chosen_one_flagged() -> None:
    document = check_document(REPORT)
    first, second = document["accepted"]
    assert first == {"series": "1.1", "slices": 12, "spacing_mm": [5.0, 0.70314, 0.7], "flags": []}
    assert (second["series"], second["flags"]) == ("1.2", ["chosen", "contrast"])
    assert document["refused"][0] == {"series": "1.3", "code": "too-few-slices", "reason": "3 slices"}
    assert document["refused"][2] == {"file": "in/letter.txt", "code": "not-dicom", "reason": "no DICOM"}
    assert len(document["refused"]) == 5


def test_the_table_has_a_row_per_series_and_per_code_of_files() -> None:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(check_table(REPORT))
    text = capture.get()
    assert check_table(REPORT).row_count == 2 + 1 + 2
    assert "12 slices, 5 x 0.7031 x 0.7 mm, chosen, contrast" in text
    assert "too-few-slices: 3 slices" in text and "not-chest: a knee" in text
    assert "2 files, letter.txt first" in text and "empty-file: empty" in text
    assert "in/" not in text  # names alone


def test_the_summary_counts_series_and_files() -> None:
    assert check_summary(REPORT) == "series: 2 accepted, 1 refused; files refused by themselves: 3"
