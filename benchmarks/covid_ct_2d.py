"""Does the learning work on real disease? COVID-19 against other published CT images, pooled and federated.

`python -m benchmarks.covid_ct_2d [FOLDER] [--json]` or `... --train FOLDER --test FOLDER [--json]`

A FOLDER has labels.csv (image, covid, patient) and images/; without one, ../shared/data/covid-ct-2d. The COVID-19
network starts from random weights and learns by the lobe loss alone (image_views.py says why), in the product's
own site, round loop and FedAvg. Patients are kept apart: in FOLDS folds, each tested once, or TRAIN against TEST.

auc_pooled      all training images at one site; auc_federated: spread over SITES sites by patient. Both from all
                tested images, scores of the folds' models joined; _low, _high: 95 % interval, bootstrap of
                patients; _fold_1, ...: of each fold alone
auc_file_*      logistic regression and a random forest on size, shape, border and grey levels of the files
auc_crop_*      the same of what the network is given, where size, shape and margins are gone
auc_pooled_alike, auc_federated_alike
                of pairs that auc_file_forest's model hardly tells apart: what the network knows beyond that
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.ct_images import CtImage, read_images
from benchmarks.image_shortcuts import forest, logistic, of_crop, of_file, shortcut_scores
from benchmarks.image_views import ViewStore
from benchmarks.result import print_result
from client.allocator import keep_freed_memory
from client.inference import decide, each_sight
from client.node.app import make_client_app
from client.training import Site
from deploy.engines import LocalGrid
from preprocessing.settings import DEFAULT_SETTINGS
from server.exchange import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.config import NetworkConfig, StageConfig, StudyConfig
from shared_model.initial import initial_weights
from shared_model.networks import make_networks
from shared_model.transport import Weights, load_weights

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "covid-ct-2d"
FOLDS, SITES = 5, 5
PASSES = 20  # over the training images, in either way of learning
# A round of one site averages nothing, it only begins Adam anew. Sites have few images, so they take smaller batches.
POOLED_ROUNDS, POOLED_BATCH = 4, 8
FEDERATED_ROUNDS, FEDERATED_BATCH = 20, 4
TEST_VIEWS = 6  # of an image, whose logits are averaged
RESAMPLES = 1000
ALIKE = 0.1  # difference of two probabilities

Judge = Callable[[Sequence[CtImage], Sequence[CtImage]], NDArray[np.float64]]
"""Learns from some images and scores others."""

Fold = tuple[list[CtImage], list[CtImage]]


def study_of(rounds: int, batch: int) -> StudyConfig:
    """The study that learns in `rounds` rounds from `batch` images a step; chosen as decision 0095 says."""
    stage = StageConfig(
        name="covid",
        networks=("covid",),
        rounds=rounds,
        validate_every=rounds,  # there are no validation images; the last round counts
        epochs=PASSES / rounds,
        scans_per_batch=batch,
        lobes_per_scan=1,
        top_share=1.0,
        learning_rate=2e-3,
        final_learning_rate=5e-5,
    )
    network = NetworkConfig(width=0.125, dropout=0.2, pooling="mean", init="random")
    return StudyConfig(
        name="covid-ct-2d", preprocessing=DEFAULT_SETTINGS.fingerprint, network=network, stages=(stage,)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=DATA)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="Processes, of one thread each.")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if (chosen.train is None) != (chosen.test is None):
        parser.error("--train and --test belong together")
    start = time.monotonic()
    if chosen.train is None:
        folds = folds_of(read_images(chosen.folder))
    else:
        folds = [(read_images(chosen.train), read_images(chosen.test))]
    figures = figures_of(folds, scores_of_all(folds, chosen.jobs))
    figures |= {"minutes": (time.monotonic() - start) / 60, "cpu_minutes": _cpu_seconds() / 60}
    print_result(figures, settings_of(folds), as_json=chosen.json)


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def split_by_patient(images: Sequence[CtImage], parts: int) -> list[list[CtImage]]:
    """The images in `parts` parts of nearly equal size and share of COVID-19, each patient's all in one."""
    patients, covid = [image.patient for image in images], [image.covid for image in images]
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=0).split(covid, covid, patients)
    return [[images[i] for i in chosen] for _, chosen in folds]


def folds_of(images: Sequence[CtImage]) -> list[Fold]:
    """(to learn from, to test on) for each of FOLDS folds."""
    parts = split_by_patient(images, FOLDS)
    return [
        ([image for other in parts if other is not tested for image in other], tested) for tested in parts
    ]


def learn(hospitals: Sequence[Sequence[CtImage]], study: StudyConfig) -> Weights:
    """The weights that the hospitals arrive at together, from random ones; all in this process."""
    sites = {
        f"site-{number}": Site(ViewStore(images), study, role="training", count_floor=1)
        for number, images in enumerate(hospitals)
    }
    grid = LocalGrid(
        make_client_app(lambda context, _: sites[str(context.node_config["hospital"])]), list(sites)
    )
    weights, policy = initial_weights(study), RoundPolicy(poll_s=0, quorum=len(sites))
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), study, weights)
        return run_study(grid, study, weights, ledger=ledger, policy=policy).weights


def scores_of(weights: Weights, study: StudyConfig, images: Sequence[CtImage]) -> NDArray[np.float64]:
    """Each image's mean logit over TEST_VIEWS views [image]."""
    networks = make_networks(study.network)
    load_weights(networks, weights)
    network, store = networks["covid"], ViewStore(images)

    def score(image: CtImage) -> float:
        read = partial(store.read, image.name)
        sights = each_sight(network, read, TEST_VIEWS, device=torch.device("cpu"), dtype=torch.float32)
        logits = [decide(network, sight, dtype=torch.float32).lobe for _, _, sight in sights]
        return float(torch.cat(logits).mean())

    return np.array([score(image) for image in images])


def pooled(train: Sequence[CtImage], test: Sequence[CtImage]) -> NDArray[np.float64]:
    study = study_of(POOLED_ROUNDS, POOLED_BATCH)
    return scores_of(learn([train], study), study, test)


def federated(train: Sequence[CtImage], test: Sequence[CtImage]) -> NDArray[np.float64]:
    study = study_of(FEDERATED_ROUNDS, FEDERATED_BATCH)
    return scores_of(learn(split_by_patient(train, SITES), study), study, test)


JUDGES: Mapping[str, Judge] = {
    "file_logistic": partial(shortcut_scores, logistic, of_file),
    "file_forest": partial(shortcut_scores, forest, of_file),
    "crop_logistic": partial(shortcut_scores, logistic, of_crop),
    "crop_forest": partial(shortcut_scores, forest, of_crop),
    "pooled": pooled,
    "federated": federated,
}


def scores_of_all(folds: Sequence[Fold], jobs: int) -> dict[str, list[NDArray[np.float64]]]:
    """Scores [judge][fold][image]; says on standard error how far it is."""
    tasks = [(name, number) for name in JUDGES for number in range(len(folds))]
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in JUDGES}
    for (name, number), found in zip(tasks, _judged(folds, tasks, jobs), strict=True):
        scores[name].append(found)
        area = roc_auc_score([image.covid for image in folds[number][1]], found)
        print(f"{name}, {number + 1} of {len(folds)}: AUC {area:.3f}", file=sys.stderr, flush=True)
    return scores


def _judged(
    folds: Sequence[Fold], tasks: Sequence[tuple[str, int]], jobs: int
) -> Iterator[NDArray[np.float64]]:
    """Each task's scores, in order. Networks this small gain more from two processes than from two threads."""
    names = [name for name, _ in tasks]
    trains, tests = ([folds[number][side] for _, number in tasks] for side in (0, 1))
    if jobs == 1:
        yield from map(_judge, names, trains, tests)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_judge, names, trains, tests)


def _judge(name: str, train: list[CtImage], test: list[CtImage]) -> NDArray[np.float64]:
    return JUDGES[name](train, test)


def _one_thread() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()


def figures_of(
    folds: Sequence[Fold], scores: Mapping[str, Sequence[NDArray[np.float64]]]
) -> dict[str, float]:
    """All figures from the scores [judge][fold][image]."""
    tested = [image for _, test in folds for image in test]
    covid = np.array([image.covid for image in tested])
    joined = {name: np.concatenate(parts) for name, parts in scores.items()}
    figures = {f"auc_{name}": float(roc_auc_score(covid, joined[name])) for name in scores}
    for name in ("pooled", "federated"):
        patients = np.array([image.patient for image in tested])
        low, high = patient_interval(covid, joined[name], patients)
        figures |= {f"auc_{name}_low": low, f"auc_{name}_high": high}
        alike = auc_of_alike(covid, joined[name], joined["file_forest"])
        figures |= {} if alike is None else {f"auc_{name}_alike": alike}
        for number, ((_, test), part) in enumerate(zip(folds, scores[name], strict=True), 1):
            area = roc_auc_score([image.covid for image in test], part)
            figures[f"auc_{name}_fold_{number}"] = float(area)
    return figures


def patient_interval(
    covid: NDArray[np.bool_], scores: NDArray[np.float64], patients: NDArray[np.str_]
) -> tuple[float, float]:
    """95 % interval of the AUC by drawing patients, with all their images, again and again."""
    draw = np.random.default_rng(0)
    of_patient = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    areas = []
    while len(areas) < RESAMPLES:
        chosen = np.concatenate([of_patient[i] for i in draw.integers(len(of_patient), size=len(of_patient))])
        if 0 < covid[chosen].sum() < len(chosen):
            areas.append(roc_auc_score(covid[chosen], scores[chosen]))
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def auc_of_alike(
    covid: NDArray[np.bool_], scores: NDArray[np.float64], baseline: NDArray[np.float64]
) -> float | None:
    """How often the COVID-19 image of a pair scores higher, of pairs that `baseline` puts within ALIKE."""
    alike = np.abs(baseline[covid][:, None] - baseline[~covid][None]) <= ALIKE
    difference = scores[covid][:, None] - scores[~covid][None]
    return float((np.sign(difference[alike]) / 2 + 0.5).mean()) if alike.any() else None


def settings_of(folds: Sequence[Fold]) -> dict[str, object]:
    tested = [image for _, test in folds for image in test]
    shared = [{i.patient for i in train} & {i.patient for i in test} for train, test in folds]
    return {
        "tested_images": len(tested),
        "tested_covid": sum(image.covid for image in tested),
        "tested_patients": len({image.patient for image in tested}),
        "patients_on_both_sides": max(map(len, shared)),
        "passes": PASSES,
        "sites": SITES,
        "pooled": study_of(POOLED_ROUNDS, POOLED_BATCH).model_dump(mode="json"),
        "federated": study_of(FEDERATED_ROUNDS, FEDERATED_BATCH).model_dump(mode="json"),
    }


if __name__ == "__main__":
    main()
