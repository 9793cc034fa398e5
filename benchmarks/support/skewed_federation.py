"""Phantom federations of `benchmarks.label_skew`: stores and learned patch features, made once and kept.

FOLDER/NAME-LAW-SEED/stores/HOSPITAL     prepared scans; the DICOM is removed
FOLDER/NAME-LAW-SEED/federated.safetensors, pooled.safetensors
                                         weights after the demo's patch infection, federated and in one place
FOLDER/NAME-LAW-SEED/prepared.json       roles, seconds; written last
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.numpy import load, save

from client.learning.frozen_features import FrozenFeatures
from client.learning.site import Site
from deploy.simulation.local_grid import LocalGrid, client_app
from preprocessing.phantom.disease import LawName
from preprocessing.phantom.hospital import make_hospitals
from preprocessing.phantom.presets import federation_plans
from preprocessing.phantom.store import create_store
from preprocessing.prepare import prepare
from preprocessing.store.lobe_store import LobeStore
from preprocessing.store.scan_record import LobeArrays, ScanRecord
from server.collect import Collector
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.measurement import Measurement
from server.roster import build_roster
from server.rounds import Coordinator
from server.standing import Standings
from server.strategies.server_step import take_mean
from shared_model.files import write_atomically
from shared_model.initial_weights import initial_weights
from shared_model.network_weights import load_weights
from shared_model.networks import make_networks
from shared_model.proposal import Proposal
from shared_model.protocol import Role
from shared_model.study import StudyConfig
from shared_model.weights import Weights

TRAINING_SCANS = {"paper": 240}
"""So many that a class of a dozen patients is at two hospitals: sums of six figures need twelve (0035)."""

POOL = "all-in-one-place"
"""The site that has all training scans."""


@dataclass(frozen=True)
class Federation:
    """One of the federations; name: as in `pneumofed demo --hospitals`."""

    name: str
    law: LawName
    seed: int

    @property
    def folder_name(self) -> str:
        return f"{self.name}-{self.law}-{self.seed}"


class JoinedStore:
    """The scans of several stores, with what Site asks of a LobeStore."""

    def __init__(self, stores: Sequence[LobeStore]) -> None:
        self.fingerprint = stores[0].fingerprint
        self._store_of = {scan.key: store for store in stores for scan in store.scans()}
        self._scans = sorted((scan for store in stores for scan in store.scans()), key=lambda scan: scan.key)

    def scans(self) -> list[ScanRecord]:
        return self._scans

    def read(self, key: str, lobes: Sequence[int]) -> LobeArrays:
        return self._store_of[key].read(key, lobes)


def prepare_federation(federation: Federation, folder: Path, study: StudyConfig, jobs: int) -> float:
    """Make what is missing of the federation under `folder`; returns the seconds it took, then or now."""
    place = folder / federation.folder_name
    if (place / "prepared.json").exists():
        return float(json.loads((place / "prepared.json").read_text())["seconds"])
    start = time.monotonic()
    roles = _make_stores(federation, place, jobs)
    study = study.model_copy(update={"seed": federation.seed})
    sites = Sites(place, roles, study, {})
    training = [name for name, role in roles.items() if role == "training"]
    for name, hospitals in (("federated", training), ("pooled", [POOL])):
        write_atomically(place / f"{name}.safetensors", save(_learned(sites, hospitals, study)))
    seconds = time.monotonic() - start
    write_atomically(place / "prepared.json", json.dumps({"roles": roles, "seconds": seconds}).encode())
    return seconds


def _make_stores(federation: Federation, place: Path, jobs: int) -> dict[str, Role]:
    plans = federation_plans(federation.name, TRAINING_SCANS.get(federation.name))
    plans = tuple(replace(plan, law=federation.law) for plan in plans)
    for plan in plans:
        store = place / "stores" / plan.name
        if (place / f"{plan.name}.done").exists():
            continue
        shutil.rmtree(store, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place) as temporary:
            (hospital,) = make_hospitals([plan], Path(temporary), seed=federation.seed, jobs=jobs)
            create_store(store, f"label-skew {federation.seed} {plan.name}")
            prepare(hospital.folder / "studies", hospital.folder / "labels.csv", store, jobs=jobs)
        (place / f"{plan.name}.done").touch()
    return {plan.name: plan.role for plan in plans}


def _learned(sites: "Sites", hospitals: Sequence[str], study: StudyConfig) -> Weights:
    """The weights after the study's first stage at `hospitals`."""
    network = study.network.model_copy(update={"scan_figures": None})
    study = study.model_copy(update={"network": network, "stages": study.stages[:1]})
    weights = initial_weights(study)
    grid = LocalGrid(client_app(replace(sites, study=study)), hospitals)
    proposal, policy = Proposal.of(study, weights), RoundPolicy(poll_s=0)
    with TemporaryDirectory() as ledger:
        kept = Ledger(Path(ledger), study, weights)
        collector = Collector(grid, policy, Standings(Path(ledger)))
        measurement = Measurement(collector, proposal, build_roster(collector, proposal), kept)
        return Coordinator(measurement, take_mean).run_stage(0, weights)


@dataclass(frozen=True)
class Sites:
    """Makes the sites of a prepared federation, and the one with all training scans.

    features: by hospital, of all its scans; without, a site computes them from images.
    """

    place: Path
    roles: Mapping[str, Role]
    study: StudyConfig
    features: Mapping[str, FrozenFeatures]
    count_floor: int = 1

    def __call__(self, hospital: str) -> Site:
        return Site(
            self.store(hospital),
            self.study,
            role=self.roles.get(hospital, "training"),
            count_floor=self.count_floor,
            features=self.features.get(hospital),
        )

    def store(self, hospital: str) -> LobeStore:
        training = [name for name, role in self.roles.items() if role == "training"]
        names = training if hospital == POOL else [hospital]
        stores = [LobeStore.open(self.place / "stores" / name) for name in names]
        return stores[0] if len(stores) == 1 else JoinedStore(stores)  # type: ignore[return-value]

    def with_features(self, hospitals: Sequence[str], weights: Weights) -> "Sites":
        """Sites whose scans' features, under `weights`, are computed when first asked for and then known."""
        networks = make_networks(self.study.network)
        load_weights(networks, weights)
        features = {}
        for hospital in hospitals:
            store = self.store(hospital)
            network = networks["diseased"]
            features[hospital] = FrozenFeatures(network, store, store.scans(), torch.float32)
        return replace(self, features=features)


def read_federation(federation: Federation, folder: Path, study: StudyConfig) -> Sites:
    """The sites of a prepared federation. Raises FileNotFoundError if it is not prepared."""
    place = folder / federation.folder_name
    roles = json.loads((place / "prepared.json").read_text())["roles"]
    return Sites(place, roles, study.model_copy(update={"seed": federation.seed}), {})


def read_learned(sites: Sites, name: str) -> Weights:
    """Weights with learned patch infection, "federated" or "pooled", as the sites' study begins with them."""
    learned: Weights = load((sites.place / f"{name}.safetensors").read_bytes())
    return {n: learned.get(n, array) for n, array in initial_weights(sites.study).items()}
