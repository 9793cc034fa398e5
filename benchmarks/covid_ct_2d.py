"""COVID-19 against other published CT images: training on real disease, pooled and federated.

`python -m benchmarks.covid_ct_2d [FOLDER] [--json]` or `... --train FOLDER --test FOLDER [--json]`

A FOLDER has labels.csv (image, covid, patient) and images/; the default is ../shared/data/covid-ct-2d. The
COVID-19 network learns by the lobe loss alone (support/image_views.py says why), with the product's own site,
round loop and FedAvg: from random weights first on phantoms' slices (support/phantom_pretraining.py), then on
the images. Splits are by patient: FOLDS folds, each tested once, or the two folders.

auc_pooled      all training images at one site; auc_federated: divided over SITES sites by patient. Both over
                all tested images, with the scores of all folds joined; _low, _high: 95 % interval, bootstrap
                over patients; _fold_1, ...: of each fold alone
auc_file_*      logistic regression and a random forest on size, shape, border and grey levels of the files
auc_crop_*      the same on the network's input, from which size, shape and margins are removed
auc_pooled_alike, auc_federated_alike
                share of pairs in the right order, of pairs to which auc_file_forest's model gives nearly
                equal scores: what the network adds to it
"""

import argparse
import os
import resource
import sys
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

from benchmarks.support import image_training, phantom_pretraining
from benchmarks.support.image_metrics import Fold, figures_of
from benchmarks.support.image_shortcuts import forest, logistic, of_crop, of_file, shortcut_scores
from benchmarks.support.image_training import federated, pooled, split_by_patient
from benchmarks.support.phantom_pretraining import phantom_weights
from benchmarks.support.published_images import CtImage, read_images
from benchmarks.support.result import print_result
from client.learning.malloc_settings import keep_freed_memory

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "covid-ct-2d"
FOLDS = 5

Judge = Callable[[Sequence[CtImage], Sequence[CtImage]], NDArray[np.float64]]
"""Learns from the first images and scores the second."""


BASELINES: dict[str, Judge] = {
    "file_logistic": partial(shortcut_scores, logistic, of_file),
    "file_forest": partial(shortcut_scores, forest, of_file),
    "crop_logistic": partial(shortcut_scores, logistic, of_crop),
    "crop_forest": partial(shortcut_scores, forest, of_crop),
}


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
    _one_thread()  # networks this small are slower on two threads
    print("pretraining on phantoms", file=sys.stderr, flush=True)
    start_weights = phantom_weights(chosen.jobs)
    networks: dict[str, Judge] = {
        "pooled": partial(pooled, start_weights),
        "federated": partial(federated, start_weights),
    }
    figures = figures_of(folds, scores_of_all(BASELINES | networks, folds, chosen.jobs))
    figures |= {"minutes": (time.monotonic() - start) / 60, "cpu_minutes": _cpu_seconds() / 60}
    print_result(figures, settings_of(folds), as_json=chosen.json)


def _cpu_seconds() -> float:
    """Processor seconds of this process and of its children that have ended."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def folds_of(images: Sequence[CtImage]) -> list[Fold]:
    """(training images, test images) of each of FOLDS folds."""
    parts = split_by_patient(images, FOLDS)
    return [
        ([image for other in parts if other is not tested for image in other], tested) for tested in parts
    ]


def scores_of_all(
    judges: Mapping[str, Judge], folds: Sequence[Fold], jobs: int
) -> dict[str, list[NDArray[np.float64]]]:
    """Scores [judge][fold][image]; prints progress to standard error."""
    tasks = [(name, number) for name in judges for number in range(len(folds))]
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in judges}
    each = [(judges[name], *folds[number]) for name, number in tasks]
    for (name, number), found in zip(tasks, _judged(each, jobs), strict=True):
        scores[name].append(found)
        area = roc_auc_score([image.covid for image in folds[number][1]], found)
        print(f"{name}, {number + 1} of {len(folds)}: AUC {area:.3f}", file=sys.stderr, flush=True)
    return scores


def _judged(
    tasks: Sequence[tuple[Judge, list[CtImage], list[CtImage]]], jobs: int
) -> Iterator[NDArray[np.float64]]:
    """Each task's scores, in order. For small networks two processes are faster than two threads."""
    judges, trains, tests = zip(*tasks, strict=True)
    if jobs == 1:
        yield from map(_judge, judges, trains, tests)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_judge, judges, trains, tests)


def _judge(judge: Judge, train: list[CtImage], test: list[CtImage]) -> NDArray[np.float64]:
    return judge(train, test)


def _one_thread() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()


def settings_of(folds: Sequence[Fold]) -> dict[str, object]:
    tested = [image for _, test in folds for image in test]
    shared = [{i.patient for i in train} & {i.patient for i in test} for train, test in folds]
    return {
        "tested_images": len(tested),
        "tested_covid": sum(image.covid for image in tested),
        "tested_patients": len({image.patient for image in tested}),
        "patients_on_both_sides": max(map(len, shared)),
        "passes": image_training.PASSES,
        "sites": image_training.SITES,
        "phantoms": phantom_pretraining.phantom_study().model_dump(mode="json"),
        "pooled": image_training.pooled_study().model_dump(mode="json"),
        "federated": image_training.federated_study().model_dump(mode="json"),
    }


if __name__ == "__main__":
    main()
