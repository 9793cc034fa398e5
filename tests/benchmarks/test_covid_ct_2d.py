"""benchmarks/covid_ct_2d.py: what the network is given, who is tested on whom, and the figures."""

import json
import sys
from dataclasses import replace
from itertools import combinations, pairwise

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks import covid_ct_2d, image_figures, image_learning, image_shortcuts, phantom_start
from benchmarks.covid_ct_2d import folds_of
from benchmarks.ct_images import (
    LUNG,
    TISSUE,
    CtImage,
    chest_crop,
    lungs_box,
    lungs_of,
    read_images,
    without_margins,
)
from benchmarks.image_figures import auc_of_alike, figures_of, patient_interval
from benchmarks.image_learning import federated_study, learn, pooled_study, split_by_patient
from benchmarks.image_shortcuts import logistic, of_crop, of_file, shortcut_scores
from benchmarks.image_views import EDGE, RANGE, ViewStore, as_in_lobes, view
from benchmarks.phantom_start import LEAST_LUNG, SLICES, SPACING_MM, phantom_images, phantom_weights, windowed
from client.learning.site import Site
from preprocessing.phantom.acquisition import simulate_scan
from preprocessing.phantom.presets import SCANNERS
from shared_model.constants import LABELS
from shared_model.errors import PneumofedError
from tests.support.initial_weights import initial_weights


def chest(rows: int = 300, columns: int = 400, *, blob: bool = False) -> np.ndarray:
    """Air, an ellipse of body, two lungs in it with a vessel each, perhaps an opacity."""
    picture = np.full((rows, columns), 10, np.uint8)

    def ellipse(x: float, y: float, width: float, height: float, grey: int) -> None:
        middle, axes = (round(x * columns), round(y * rows)), (round(width * columns), round(height * rows))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, grey, -1)

    ellipse(0.5, 0.5, 0.45, 0.45, 200)
    for x in (0.3, 0.7):
        ellipse(x, 0.5, 0.13, 0.3, 60)
        ellipse(x, 0.45, 0.02, 0.02, 210)
    if blob:
        ellipse(0.3, 0.65, 0.06, 0.06, 120)
    return picture


def image(name: str, patient: str, covid: bool, pixels: np.ndarray | None = None) -> CtImage:
    shown = chest(blob=covid) if pixels is None else pixels
    return CtImage.of(name, patient, covid, shown)


def patients(count: int, most: int = 4) -> list[CtImage]:
    draw = np.random.default_rng(0)
    return [
        image(f"{number}-{i}.png", f"p{number}", number % 2 == 0, chest(60, 80, blob=number % 2 == 0))
        for number in range(count)
        for i in range(draw.integers(1, most + 1))
    ]


def test_the_box_is_that_of_the_lungs_with_a_rim() -> None:
    row0, column0, row1, column1 = lungs_box(chest())
    # lungs: rows 60 to 240, columns 68 to 332; the rim is 4 % of that
    assert (row0, row1) == (pytest.approx(60 - 7, abs=3), pytest.approx(240 + 7, abs=3))
    assert (column0, column1) == (pytest.approx(68 - 11, abs=3), pytest.approx(332 + 11, abs=3))


def test_air_between_patient_and_table_is_no_lung() -> None:
    picture = chest()
    picture[270:, :] = 200  # the table, that reaches the corners
    picture[275:290, 40:360] = 10
    assert lungs_box(picture) == pytest.approx(lungs_box(chest()), abs=2)


def test_lungs_are_found_in_a_mediastinal_and_in_a_pale_window() -> None:
    rows, columns = np.mgrid[:300, :400]
    body = ((columns - 200) / 180) ** 2 + ((rows - 150) / 135) ** 2 < 1
    lungs = (chest() == 60) | ((chest() == 210) & body)
    mediastinal = np.where(lungs | ~body, 0, 70).astype(np.uint8)
    cv2.ellipse(mediastinal, (200, 150), (30, 60), 0, 0, 360, 240, -1)
    cv2.ellipse(mediastinal, (200, 40), (80, 15), 0, 0, 360, 240, -1)
    pale = np.where(~body, 0, np.where(lungs, 170, 240)).astype(np.uint8)
    for picture in (mediastinal, pale):
        assert lungs_box(picture) == pytest.approx(lungs_box(chest()), abs=4)


def test_a_picture_without_lungs_is_kept_whole() -> None:
    flat = np.full((90, 70), 128, np.uint8)
    assert lungs_box(flat) == (0, 0, 90, 70)
    assert not lungs_of(chest_crop(flat)).any()
    assert without_margins(flat).shape == (90, 70)
    assert chest_crop(flat).shape == (256, 256)


def test_lungs_of_a_crop_hold_their_lesions_and_not_the_heart() -> None:
    picture = chest()
    row, column = 210, 103  # the lower edge of the left one, where a lesion shall reach the pleura
    cv2.circle(picture, (column, row), 18, 190, -1)
    row0, column0, row1, column1 = lungs_box(picture)
    drawn = np.zeros(picture.shape, np.uint8)
    for x in (120, 280):
        cv2.ellipse(drawn, (x, 150), (52, 90), 0, 0, 360, 1, -1)
    truth = cv2.resize(drawn[row0:row1, column0:column1], (256, 256), interpolation=cv2.INTER_NEAREST) > 0
    found = lungs_of(chest_crop(picture))
    assert 2 * (truth & found).sum() / (truth.sum() + found.sum()) > 0.95
    lesion = np.zeros(picture.shape, np.uint8)
    cv2.circle(lesion, (column, row), 15, 1, -1)
    lesion = cv2.resize((lesion & drawn)[row0:row1, column0:column1], (256, 256)) > 0
    assert found[lesion].mean() > 0.9


def test_margins_window_and_size_hardly_change_the_crop() -> None:
    plain = chest_crop(chest()).astype(int)
    published = np.pad(
        (chest(450, 500) * 0.6 + 40).astype(np.uint8), ((30, 0), (15, 60)), constant_values=255
    )
    other = chest_crop(published).astype(int)
    assert np.median(plain[plain < 100]) == LUNG and np.median(plain[plain > 150]) == TISSUE
    assert np.abs(plain - other).mean() < 6
    assert (np.abs(plain - other) < 10).mean() > 0.93


def test_views_stray_a_little_and_are_told_by_their_numbers() -> None:
    store = ViewStore([image("a.png", "p", True), image("b.png", "p", True)])
    first = store.read("a.png", [3, 4])
    assert first.images.shape == (2, 3, EDGE, EDGE) and first.images.dtype == np.uint16
    assert first.images.max() <= RANGE and not first.semi_infection.any()
    assert first.distance.dtype == np.uint8 and not first.distance[~first.mask].any()
    # A lung is some 120 of 300 mm wide: its middle lies 60 mm, 80 pixels of a lobe, from the periphery.
    assert 60 < first.distance.max() < 110
    np.testing.assert_array_equal(first.images[:, 0], first.images[:, 2])
    np.testing.assert_array_equal(store.read("a.png", [4]).images, first.images[1:])
    assert (store.read("b.png", [4]).images != first.images[1:]).any()
    crop = cv2.resize(image("a.png", "p", True).crop, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    lungs = crop < (LUNG + TISSUE) / 2
    views = [view(crop, lungs, np.random.default_rng(i)) for i in range(40)]
    for values, mask in views:
        assert ((values < as_in_lobes(np.array([(LUNG + TISSUE) / 2]))) == mask).mean() > 0.95
    seen = np.mean([values for values, _ in views], axis=0)
    mirrored = (crop.astype(float) + crop[:, ::-1]) / 2
    assert np.corrcoef(seen.ravel(), mirrored.ravel())[0, 1] > 0.85


def test_lung_and_tissue_are_where_lobes_have_them() -> None:
    assert as_in_lobes(np.array([LUNG, TISSUE, (LUNG + TISSUE) / 2, 0, 255])).tolist() == [
        180, 1050, 615, 0, 1552
    ]  # fmt: skip


def test_studies_carry_labels_of_the_covid_network_and_are_all_for_training() -> None:
    scans = ViewStore([image("b.png", "p", False), image("a.png", "q", True)]).scans()
    assert [(s.key, s.label) for s in scans] == [("a.png", "covid"), ("b.png", "other")]
    assert all(federated_study().split.part_of(s.fold) == "train" for s in scans)


def test_no_patient_is_on_two_sides() -> None:
    images = patients(60)
    folds = folds_of(images)
    tested = [i.name for _, test in folds for i in test]
    assert sorted(tested) == sorted(i.name for i in images) and len(folds) == 5
    for train, test in folds:
        assert len(train) + len(test) == len(images)
        assert not {i.patient for i in train} & {i.patient for i in test}
        assert 0.25 < np.mean([i.covid for i in test]) < 0.75
        sites = split_by_patient(train, 5)
        assert sorted(i.name for site in sites for i in site) == sorted(i.name for i in train)
        for one, other in combinations(sites, 2):
            assert not {i.patient for i in one} & {i.patient for i in other}


def test_learning_is_the_sites_own_round_after_round(monkeypatch) -> None:
    monkeypatch.setattr(image_learning, "PASSES", 2)
    monkeypatch.setattr(image_learning, "POOLED_ROUNDS", 2)
    study, images = pooled_study(), patients(6, most=1)
    start = {
        name: array + 0.01 for name, array in initial_weights(study).items() if name.startswith("covid/")
    }
    began = by_hand = initial_weights(study) | start
    site = Site(ViewStore(images), study, role="training", count_floor=1)
    for round_number in (1, 2):
        by_hand = by_hand | site.train(by_hand, stage=0, round=round_number).weights
    learned = learn([images], study, start)
    assert learned.keys() == by_hand.keys()
    assert all(np.array_equal(learned[name], by_hand[name]) for name in learned)
    moved = {name.split("/")[0] for name in learned if not np.array_equal(learned[name], began[name])}
    assert moved == {"covid"}


def test_the_alike_are_pairs_that_the_baseline_does_not_part() -> None:
    covid = np.array([True, True, False, False])
    baseline = np.array([0.9, 0.5, 0.45, 0.1])
    # Only (second, third) lie within 0.1 of each other.
    assert auc_of_alike(covid, np.array([0, 2.0, 1, 9]), baseline) == 1
    assert auc_of_alike(covid, np.array([9, 1.0, 2, 0]), baseline) == 0
    assert auc_of_alike(covid, np.array([9, 1.0, 1, 0]), baseline) == 0.5
    assert auc_of_alike(covid, np.arange(4.0), np.array([1.0, 1, 0, 0])) is None


def test_intervals_are_wider_where_images_share_patients(monkeypatch) -> None:
    monkeypatch.setattr(image_figures, "RESAMPLES", 300)
    draw = np.random.default_rng(1)
    covid = np.repeat(draw.random(40) < 0.5, 5)
    scores = np.repeat(draw.normal(size=40), 5) + covid
    own = patient_interval(covid, scores, np.arange(200).astype(str))
    shared = patient_interval(covid, scores, np.repeat(np.arange(40), 5).astype(str))
    assert shared[0] < own[0] < own[1] < shared[1]


def test_figures_join_the_folds(monkeypatch) -> None:
    monkeypatch.setattr(image_figures, "RESAMPLES", 50)
    folds = [
        ([], [image("a", "1", True), image("b", "2", False)]),
        ([], [image("c", "3", True), image("d", "4", False)]),
    ]
    scores = [np.array([2.0, 1.0]), np.array([0.0, 3.0])]  # right, wrong; joined: 2>1, 2<3, 0<1, 0<3
    even = [np.full(2, 0.5)] * 2
    found = figures_of(folds, {"file_forest": even, "pooled": scores, "federated": scores})
    assert found["auc_pooled"] == found["auc_pooled_alike"] == 0.25
    assert (found["auc_federated_fold_1"], found["auc_federated_fold_2"]) == (1, 0)
    assert found["auc_pooled_low"] <= 0.25 <= found["auc_pooled_high"]


def test_the_baseline_finds_size_in_files_and_not_in_crops() -> None:
    images = [image(f"{i}", f"{i}", i % 2 == 0, chest(300 + i, 330 if i % 2 else 420)) for i in range(24)]
    covid = np.array([i.covid for i in images[16:]])
    by_size = shortcut_scores(logistic, of_file, images[:16], images[16:])
    assert by_size[covid].min() > by_size[~covid].max()
    assert len(of_crop(images[0])) == len(of_file(images[0])) - 3


def test_one_folder_teaches_and_another_tests(tmp_path, monkeypatch, capsys) -> None:
    for name, count in (("train", 12), ("test", 6)):
        write(tmp_path / name, patients(count, most=1))
    monkeypatch.setattr(image_learning, "PASSES", 1)
    monkeypatch.setattr(image_learning, "POOLED_ROUNDS", 1)
    monkeypatch.setattr(image_learning, "FEDERATED_ROUNDS", 1)
    monkeypatch.setattr(image_learning, "SITES", 2)
    monkeypatch.setattr(covid_ct_2d, "phantom_weights", lambda jobs: initial_weights(pooled_study()))
    monkeypatch.setattr(image_shortcuts, "TREES", 10)
    monkeypatch.setattr(image_figures, "RESAMPLES", 50)
    folders = ["--train", str(tmp_path / "train"), "--test", str(tmp_path / "test")]
    monkeypatch.setattr(sys, "argv", ["covid_ct_2d", *folders, "--jobs", "1", "--json"])
    covid_ct_2d.main()
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["tested_images"] == 6
    for name in ("auc_pooled", "auc_federated", "auc_file_logistic", "auc_pooled_low"):
        assert 0 <= document["figures"][name] <= 1


def test_one_folder_alone_is_wrong_use(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["covid_ct_2d", "--train", "somewhere"])
    with pytest.raises(SystemExit) as stopped:
        covid_ct_2d.main()
    assert stopped.value.code == 2


def test_a_folder_that_is_none_is_refused(tmp_path) -> None:
    with pytest.raises(PneumofedError, match="labels.csv") as refused:
        read_images(tmp_path)
    assert refused.value.code == "images-unreadable"


def test_phantoms_are_published_as_slices_that_show_their_disease(monkeypatch) -> None:
    many = phantom_images(5, jobs=2)
    monkeypatch.setattr(phantom_start, "LEAST_INFECTED", 0.35)
    images = phantom_images(5, jobs=1)
    assert {i.name for i in images if not i.covid} == {i.name for i in many if not i.covid}
    assert 0 < len(images) < len(many)
    assert {i.patient: i.covid for i in images} == {"0": True, "1": False, "2": True, "3": False, "4": False}
    for number, label in enumerate(LABELS):
        own = [i for i in images if i.patient == str(number)]
        scanner = replace(SCANNERS[0], spacing_mm=SPACING_MM)
        scan = simulate_scan(label, scanner, (phantom_start.SEED, number))
        assert 0 < len(own) <= SLICES
        for one in own:
            place = int(one.name.split("-")[1])
            lung = scan.lungs[place] > 0
            # Grey levels rise with Hounsfield units, lung and tissue apart.
            assert np.corrcoef(one.pixels.ravel(), scan.hu[place].ravel().clip(-1200, 0))[0, 1] > 0.95
            assert lung.sum() > LEAST_LUNG * max((plane > 0).sum() for plane in scan.lungs)
            assert label != "covid" or scan.infection[place][lung].mean() > 0.35


def test_phantoms_do_not_depend_on_who_makes_them() -> None:
    alone, shared = (phantom_images(3, jobs=jobs) for jobs in (1, 2))
    assert [i.name for i in alone] == [i.name for i in shared]
    assert all(np.array_equal(a.crop, b.crop) for a, b in zip(alone, shared, strict=True))


def test_a_lung_window_has_its_level_at_mid_grey() -> None:
    hu = np.array([[-3000, -1500, -720, -600, -480, 400, 3000]], np.float32)
    for seed in range(20):
        grey = windowed(hu, np.random.default_rng(seed))[0].tolist()
        assert grey == sorted(grey) and grey[0] == 0 and grey[-1] == 255
        assert grey[2] <= 127 <= grey[4]  # the level lies between -720 and -480
        # 120 HU are 255 * 120 / width: 17 grey levels at 1800, 25 at 1200
        assert all(17 - 1 <= b - a <= 25 + 1 for a, b in pairwise(grey[2:5]))


def test_the_start_is_what_one_site_learned_from_phantoms(monkeypatch) -> None:
    monkeypatch.setattr(phantom_start, "SCANS", 5)
    monkeypatch.setattr(phantom_start, "PASSES", 1)
    monkeypatch.setattr(phantom_start, "ROUNDS", 1)
    study, images = phantom_start.phantom_study(), phantom_images(5, jobs=1)
    site = Site(ViewStore(images), study, role="training", count_floor=1)
    began = initial_weights(study)
    by_hand = began | site.train(began, stage=0, round=1).weights
    start = phantom_weights(jobs=1)
    assert start.keys() == {name for name in began if name.startswith("covid/")}
    assert all(np.array_equal(start[name], by_hand[name]) for name in start)
    assert any(not np.array_equal(start[name], began[name]) for name in start)


@pytest.mark.real_data
def test_real_images_have_their_lungs_found_and_patients_kept_apart(real_data) -> None:
    images = read_images(real_data / "covid-ct-2d")
    assert len(images) == 558 and sum(i.covid for i in images) == 268
    assert np.mean([i.lungs.any() for i in images]) > 0.98
    for train, test in folds_of(images):
        assert not {i.patient for i in train} & {i.patient for i in test}
        assert 0.44 < np.mean([i.covid for i in test]) < 0.52


def write(folder, images: list[CtImage]) -> None:
    (folder / "images").mkdir(parents=True)
    lines = ["image,covid,patient"]
    for one in images:
        Image.fromarray(one.pixels).save(folder / "images" / one.name)
        lines.append(f"{one.name},{int(one.covid)},{one.patient}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
