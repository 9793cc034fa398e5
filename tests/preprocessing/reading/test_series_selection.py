"""The best of several usable series: chosen by rule, logged, and described without naming a patient."""

import logging
from pathlib import Path

import numpy as np
import pytest

from preprocessing.reading.series_selection import Selection, choose_series, kernel_class, select_series
from shared_model.errors import PneumofedError
from tests.support.chests import chest, write_series
from tests.support.found_series import accepted_series

HU, _ = chest(12, 32)
OTHER, _ = chest(12, 32, seed=5)


def test_the_best_series_is_chosen_by_rule_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wide = np.zeros((30, 64, 64), np.int16)
    series = {
        "thick": (wide[:10], 3.0, {"ConvolutionKernel": "LUNG"}),
        "thin": (wide, 1.0, {"ConvolutionKernel": "LUNG"}),
        "thinner": (wide, 0.99, {"ConvolutionKernel": "WHATEVER"}),
        "part": (wide[:15], 1.0, {"ConvolutionKernel": "LUNG"}),
        "lossy": (wide, 1.0, {"ConvolutionKernel": "LUNG", "LossyImageCompression": "01"}),
        "narrow": (wide, 1.0, {"ConvolutionKernel": "LUNG", "PixelSpacing": [1, 1]}),
    }
    for name, (hu, step, tags) in series.items():
        write_series(
            tmp_path / name, hu, heights=step * np.arange(len(hu)), **{"PixelSpacing": [5, 5], **tags}
        )
    found = accepted_series(tmp_path)
    with caplog.at_level(logging.INFO, "pneumofed.preprocessing"):
        best = choose_series(found)
    assert best.images[0].path.parent.name == "thin"
    assert best.flags == ("chosen",)
    assert choose_series(found[::-1]) == best
    assert [record.getMessage() for record in caplog.records][0] == (
        "6 series could be used; chose the one of 30 slices, 1 mm apart, kernel lung (no flags)"
    )
    assert choose_series(found[:1]) == found[0]


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        ("B70f", "lung"), ("Bl57d", "lung"), ("Br40d\\3", "soft"), ("B30s", "soft"), ("LUNG", "lung"),
        ("STANDARD", "soft"), ("FC51", "lung"), ("FC08", "soft"), ("YA", "lung"), ("B", "soft"),
        ("BONEPLUS", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_kernels_of_the_makers_are_known(tmp_path: Path, kernel: str, kind: str) -> None:
    write_series(tmp_path, HU, ConvolutionKernel=kernel)
    assert kernel_class(accepted_series(tmp_path)[0]) == kind


def refusal(selection: Selection) -> tuple[str, str]:
    with pytest.raises(PneumofedError) as caught:
        selection.required()
    return caught.value.code, str(caught.value)


def test_one_of_two_usable_series_is_selected_beside_what_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "lung", HU, series_uid="1.2.3", ConvolutionKernel="LUNG")
    write_series(tmp_path / "other", OTHER, series_uid="1.2.4", ConvolutionKernel="?")
    (tmp_path / "letter.txt").write_text("no scan")
    seen: list[tuple[int, int]] = []
    selection = select_series(tmp_path, progress=lambda *step: seen.append(step))
    assert selection.required().series_uid == "1.2.3" and selection.usable == 2
    assert [code for code, _ in selection.problems] == ["not-dicom"]
    assert selection.choice is not None and selection.choice.startswith("2 series could be used")
    assert seen[-1] == (25, 25)


def test_without_a_choice_nothing_is_said_of_one(tmp_path: Path) -> None:
    write_series(tmp_path, HU)
    selection = select_series(tmp_path)
    assert (selection.usable, selection.choice, selection.problems) == (1, None, ())


def test_what_cannot_be_selected_from_is_refused_with_all_its_problems(tmp_path: Path) -> None:
    missing = select_series(tmp_path / "nowhere")
    assert refusal(missing) == ("no-series", f"{tmp_path / 'nowhere'}: {missing.problems[0][1]}")
    empty = select_series(tmp_path)
    assert refusal(empty)[0] == "no-series" and "no files" in refusal(empty)[1]
    write_series(tmp_path / "short", HU[:4])
    (tmp_path / "letter.txt").write_text("no scan")
    useless = select_series(tmp_path)
    assert {code for code, _ in useless.problems} == {"too-few-slices", "not-dicom"}
    code, words = refusal(useless)
    assert code == "no-series" and "not-dicom, too-few-slices" in words and "hospital check" in words
    write_series(tmp_path / "one", HU, series_uid="1.2.3", patient_id="P")
    write_series(tmp_path / "two", OTHER, series_uid="1.2.4", patient_id="Q")
    mixed = select_series(tmp_path)
    assert mixed.series is None and mixed.problems[-1][0] == refusal(mixed)[0] == "several-studies"
    assert len(mixed.problems) == 3


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "VMI"]},
        {"SeriesDescription": "Thorax 40 keV"},
        {"PatientPosition": "HFP"},
        {"PatientPosition": "FFDR"},
    ],
    ids=str,
)
@pytest.mark.parametrize("first", [True, False])
def test_the_conventional_supine_series_is_chosen_whatever_the_uids(
    tmp_path: Path, tags: dict[str, object], first: bool
) -> None:
    common = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "PatientPosition": "HFS"}
    uids = ("1.2.3", "1.2.4") if first else ("1.2.4", "1.2.3")
    write_series(tmp_path / "plain", HU, series_uid=uids[0], **common)
    write_series(tmp_path / "other", OTHER, series_uid=uids[1], **{**common, **tags})
    assert select_series(tmp_path).required().series_uid == uids[0]
    assert len(next(one for one in accepted_series(tmp_path) if one.series_uid == uids[1]).flags) == 1


def test_a_series_whose_pixels_are_no_hu_is_not_chosen(tmp_path: Path) -> None:
    hu, _ = chest(12, 64)
    write_series(tmp_path / "a", np.clip(hu, -160, 240).astype(np.int16), series_uid="1.2.3")
    write_series(tmp_path / "b", hu, series_uid="1.2.4", ConvolutionKernel="?")
    selection = select_series(tmp_path)
    assert selection.required().series_uid == "1.2.4"
    assert [code for code, _ in selection.problems] == ["not-hounsfield"]
