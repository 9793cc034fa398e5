"""The round loop on the local engine, over four hospitals without data."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from flwr.clientapp import ClientApp

from deploy.simulation.local_grid import LocalGrid, SiteFn, client_app
from server import events
from server.dispatch import RoundPolicy
from server.ledger import Ledger
from server.rounds import run_study
from server.study_result import FinishedStudy
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of

FINE = StageConfig(name="fine", networks=("diseased",), part="fine", rounds=2, validate_every=2)
STUDY = study_of(BOTH, FINE, operating_point="validation")
POLICY = RoundPolicy(poll_s=0)
INITIAL = weights_of(0)


def sites_of(study: StudyConfig = STUDY) -> dict[str, FakeSite]:
    return {
        "north": FakeSite("north", study),
        "south": FakeSite("south", study, scans={"diseased": 100, "covid": 0}),
        "east": FakeSite("east", study, scans={"diseased": 11, "covid": 11}),
        "far": FakeSite("far", study, role="held-out"),
    }


def app_of(sites: Mapping[str, FakeSite]) -> ClientApp:
    """The ClientApp of hospitals without data, by name."""
    return client_app(cast(SiteFn, sites.__getitem__))


def grid_of(
    sites: Mapping[str, FakeSite], kind: Callable[..., LocalGrid] = LocalGrid, **settings: Any
) -> LocalGrid:
    """A grid of this kind, made with `settings` beside app and names."""
    return kind(app_of(sites), list(sites), **settings)


def run(
    folder: Path,
    grid: LocalGrid | None = None,
    study: StudyConfig = STUDY,
    policy: RoundPolicy = POLICY,
    on_event: events.Listener = events.ignore,
    initial: Weights = INITIAL,
) -> FinishedStudy:
    """The study from its start, or from what the ledger in `folder` has."""
    grid = grid or grid_of(sites_of(study))
    return run_study(
        grid, study, initial, ledger=Ledger(folder, study, initial), policy=policy, on_event=on_event
    )
