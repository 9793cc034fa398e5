"""A hospital whose round of training takes seven short steps, for tests that interrupt it between them."""

from functools import partial
from pathlib import Path

from client.learning.local_training import PlainTraining
from client.learning.site import Site
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from tests.support.small_site import site_in_memory
from tests.support.small_study import STUDY
from tests.support.stores import MadeScan, scan_of

STAGE = StageConfig(
    name="lobes", networks=("diseased", "covid"), rounds=2, scans_per_batch=1, lobes_per_scan=1,
    warm_up_rounds=1.5, learning_rate=1e-2,
)  # fmt: skip
STEPWISE = STUDY.model_copy(update={"stages": (STAGE,)})
SCANS = [scan_of(f"s{i}", ("covid", "other", "healthy")[i % 3], slices=1) for i in range(4)]
STEPS = 4 + 3  # of both networks


def site(state: Path | None, study: StudyConfig = STEPWISE, scans: list[MadeScan] = SCANS) -> Site:
    """Keeps its checkpoints in `state`, if that is a folder."""
    return site_in_memory(scans, study=study, training=partial(PlainTraining, state=state))
