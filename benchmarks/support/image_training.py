"""Training on published images with the product's own sites, round loop and FedAvg."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.support.image_views import ViewStore
from benchmarks.support.published_images import CtImage
from client.learning.lobe_inference import decide, extract_batches
from client.learning.site import Site
from deploy.simulation.local_grid import LocalGrid, client_app
from preprocessing.settings import DEFAULT_SETTINGS
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from shared_model.initial_weights import initial_weights
from shared_model.network_weights import load_weights
from shared_model.networks import make_networks
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights

SITES = 5
PASSES = 30  # over the training images, pooled or federated
RATE = 1e-3
# A round of one site averages nothing; it only resets Adam.
POOLED_ROUNDS, POOLED_BATCH = 10, 16
# Sites have few images, so their batches are smaller.
FEDERATED_ROUNDS, FEDERATED_BATCH = 30, 8
TEST_VIEWS = 24  # of an image, whose logits are averaged; with fewer, the AUC varies more


def pooled_study() -> StudyConfig:
    """The study of one site with all images."""
    return image_study(passes=PASSES, rounds=POOLED_ROUNDS, batch=POOLED_BATCH, rate=RATE)


def federated_study() -> StudyConfig:
    """The study of SITES sites."""
    return image_study(passes=PASSES, rounds=FEDERATED_ROUNDS, batch=FEDERATED_BATCH, rate=RATE)


def image_study(*, passes: int, rounds: int, batch: int, rate: float) -> StudyConfig:
    """A study of `passes` passes over the images in `rounds` rounds, `batch` images a step.

    `rate` is the highest learning rate. Chosen as docs/decisions/0095 says.
    """
    stage = StageConfig(
        name="covid",
        networks=("covid",),
        rounds=rounds,
        validate_every=rounds,  # there are no validation images; the last round counts
        epochs=passes / rounds,
        scans_per_batch=batch,
        lobes_per_scan=1,
        top_share=1.0,
        learning_rate=rate,
        final_learning_rate=1e-5,
        warm_up_rounds=rounds / 8,
    )
    network = NetworkConfig(width=0.125, dropout=0.2, pooling="mean", init="random")
    return StudyConfig(
        name="covid-ct-2d",
        preprocessing=DEFAULT_SETTINGS.fingerprint,
        precision="bfloat16",
        network=network,
        stages=(stage,),
    )


def split_by_patient(images: Sequence[CtImage], parts: int) -> list[list[CtImage]]:
    """Split the images by patient into `parts` parts of nearly equal size and share of COVID-19."""
    patients, covid = [image.patient for image in images], [image.covid for image in images]
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=0).split(covid, covid, patients)
    return [[images[i] for i in chosen] for _, chosen in folds]


def learn(hospitals: Sequence[Sequence[CtImage]], study: StudyConfig, start: Weights) -> Weights:
    """Weights after federated training of the hospitals from `start`, weights of the COVID-19 network."""
    sites = {
        f"site-{number}": Site(ViewStore(images), study, role="training", count_floor=1)
        for number, images in enumerate(hospitals)
    }
    grid = LocalGrid(client_app(sites.__getitem__), list(sites))
    weights, policy = initial_weights(study) | start, RoundPolicy(poll_s=0, quorum=len(sites))
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
        batches = extract_batches(network, read, TEST_VIEWS, dtype=torch.float32)
        logits = [decide(network, features).lobe for _, _, features in batches]
        return float(torch.cat(logits).mean())

    return np.array([score(image) for image in images])


def pooled(start: Weights, train: Sequence[CtImage], test: Sequence[CtImage]) -> NDArray[np.float64]:
    """Scores of `test` [image] by a model trained on `train` at one site, from `start`."""
    study = pooled_study()
    return scores_of(learn([train], study, start), study, test)


def federated(start: Weights, train: Sequence[CtImage], test: Sequence[CtImage]) -> NDArray[np.float64]:
    """Scores of `test` [image] by a model trained by SITES sites that divide `train`, from `start`."""
    study = federated_study()
    return scores_of(learn(split_by_patient(train, SITES), study, start), study, test)
