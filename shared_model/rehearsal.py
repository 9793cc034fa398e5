"""The rehearsal of a study: the same networks, stages, splits and checks, with one tiny round a stage.

It is a study of its own, with a name and a fingerprint of its own, so it is proposed, approved, recorded and
charged as every other one (docs/decisions/0124).
"""

from shared_model.study import PrivacyConfig, StudyConfig
from shared_model.study_stage import StageConfig

PREFIX = "rehearsal of "

LONGEST_NAME = 80

EPOCHS = 0.001
"""So small that a round has its least number of batches at every hospital."""

NOISE = 1000.0
"""With this noise multiplier a round costs hardly any epsilon: the study itself still fits its budget."""


def is_rehearsal(name: str) -> bool:
    """Whether a study of this name is a rehearsal."""
    return name.startswith(PREFIX)


def rehearsal_of(study: StudyConfig) -> StudyConfig:
    """The study that rehearses `study`."""
    changes = {
        "name": (PREFIX + study.name)[:LONGEST_NAME].rstrip(),
        "stages": tuple(_tiny(stage) for stage in study.stages),
        "privacy": None if study.privacy is None else _cheap(study.privacy),
    }
    return StudyConfig.model_validate(study.model_copy(update=changes).model_dump())


def _tiny(stage: StageConfig) -> StageConfig:
    """One round of the stage on a few batches; a sum over all scans stays as it is."""
    changes = {"rounds": 1, "average_rounds": 1, "optimizer_state": "reset"}
    return stage.model_copy(update=changes | {"epochs": min(stage.epochs, EPOCHS)})


def _cheap(privacy: PrivacyConfig) -> PrivacyConfig:
    """The same limits; the noise that is added is as large as with a multiplier of 1."""
    return privacy.model_copy(update={"noise_multiplier": NOISE, "clip_norm": privacy.clip_norm / NOISE})
