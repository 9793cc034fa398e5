"""Simulated hospitals: each a store on this machine."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from client.learning.site import Site
from client.privacy.hospital_training import hospital_training
from preprocessing.store.lobe_store import LobeStore
from shared_model.protocol import Role
from shared_model.study import StudyConfig


@dataclass(frozen=True)
class SimulatedHospital:
    """A hospital by its name, which the report shows, and its store, which it does not."""

    name: str
    role: Role
    store: Path


@dataclass(frozen=True)
class StoreSites:
    """Makes the Site of a hospital by its name; picklable and hashable, for worker processes.

    device: where every hospital computes; count_floor: what none of them discloses; state: folder with each
    hospital's own state, STATE/NAME: privacy ledger, steps of an unfinished round.
    """

    hospitals: tuple[SimulatedHospital, ...]
    study: StudyConfig
    device: str
    count_floor: int
    state: Path

    def __call__(self, hospital: str) -> Site:
        """Raises PneumofedError: the store's and the Site's own."""
        chosen = next(found for found in self.hospitals if found.name == hospital)
        state = self.state / hospital
        state.mkdir(parents=True, exist_ok=True)
        return Site(
            LobeStore.open(chosen.store),
            self.study,
            role=chosen.role,
            device=self.device,
            count_floor=self.count_floor,
            training=partial(hospital_training, state=state),
            scratch=state,
        )

    @property
    def names(self) -> list[str]:
        return [hospital.name for hospital in self.hospitals]

    @property
    def training(self) -> int:
        """How many of the hospitals train."""
        return sum(hospital.role == "training" for hospital in self.hospitals)
